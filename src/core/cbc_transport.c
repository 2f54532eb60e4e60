/*
** cbc_transport.c - the transfers of one client.
*/
#include "cbc_transport.h"

#include "cbc_transfer_impl.h"

struct cbc_transport {
  cbc_profile profile; /* first: a transfer knows its transport by it */
  cbc_transfer *used;  /* held by somebody, linked both ways */
  cbc_transfer *idle;  /* linked by next; owned */
  bool starved;        /* there was no memory to wait for a socket of one in use */
};

/* ==== What the multi handle reports ===================================== */

/* The transfer of a handle; NULL for one of libcurl's own. */
static cbc_transfer *owner_of(CURL *easy) {
  char *owner = NULL;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &owner);
  return (cbc_transfer *)(void *)owner;
}

static void on_finished(void *ud, CURL *easy, CURLcode result) {
  (void)ud;
  cbc_transfer_finish(owner_of(easy), result);
}

/* Memory was out, and for whom can't be said: none can go on. */
static void starve_all(cbc_transport *t) {
  t->starved = true;
  for (cbc_transfer *x = t->used; x != NULL; x = x->next)
    x->nomem = true;
}

/* libcurl is at work: the transfer is ended later, and so are those that may share its
** socket. */
static void on_unwatched(void *ud, CURL *easy) {
  cbc_transport *t = ud;
  cbc_transfer *x = owner_of(easy);
  if (t->profile.sharing) starve_all(t);
  t->starved = true;
  if (x != NULL) x->nomem = true;
}

/* Ends the transfers for whose sockets there was no memory: nobody would wake
** them. */
static void end_starved(cbc_transport *t) {
  t->starved = false;
  for (cbc_transfer *x = t->used; x != NULL; x = x->next)
    if (x->running && x->nomem) cbc_transfer_finish(x, CURLE_OUT_OF_MEMORY);
}

/* ==== Beginning and end =============================================== */

cbc_transport *cbc_transport_new(const cbc_env *env, const cbc_options *options, cbc_error *err) {
  cbc_transport *t = cbc_alloc(env, sizeof *t);
  cbc_code rc;
  if (t == NULL) {
    cbc_error_nomem(err);
    return NULL;
  }
  t->used = t->idle = NULL;
  t->starved = false;
  rc = cbc_profile_init(&t->profile, env, options, err);
  t->profile.multi.finished = on_finished;
  t->profile.multi.unwatched = on_unwatched;
  t->profile.multi.ud = t;
  if (rc == CBC_OK) return t;
  cbc_transport_free(t);
  return NULL;
}

void cbc_transport_free(cbc_transport *t) {
  if (t == NULL) return;
  for (cbc_transfer *x = t->used; x != NULL; x = x->next)
    cbc_transfer_orphan(x);
  while (t->idle != NULL) {
    cbc_transfer *x = t->idle;
    t->idle = x->next;
    cbc_transfer_free(x);
  }
  cbc_waiters_unpark_all(&t->profile.multi.waiters);
  cbc_profile_free(&t->profile);
  cbc_free(t->profile.env, t, sizeof *t);
}

/* ==== The pool ======================================================== */

cbc_transfer *cbc_transport_acquire(cbc_transport *t, cbc_error *err) {
  cbc_transfer *x = t->idle;
  if (x == NULL && (x = cbc_transfer_new(&t->profile)) == NULL) {
    cbc_error_nomem(err);
    return NULL;
  }
  if (x == t->idle) t->idle = x->next;
  x->next = t->used;
  x->link = &t->used;
  if (x->next != NULL) x->next->link = &x->next;
  t->used = x;
  return x;
}

void cbc_transport_release(cbc_transfer *x) {
  cbc_transport *t;
  if (x == NULL) return;
  if (x->profile == NULL) {
    cbc_transfer_free(x);
    return;
  }
  t = (cbc_transport *)x->profile;
  cbc_transfer_stop(x);
  cbc_transfer_reset(x);
  *x->link = x->next;
  if (x->next != NULL) x->next->link = x->link;
  x->next = t->idle;
  t->idle = x;
}

/* ==== Waiting ========================================================= */

/* libcurl that was out of memory says of no handle that it was its. (It leaves the
** socket's entry in a state that it divides by zero in, when the transfer goes on.) */
static cbc_code settle(cbc_transport *t, cbc_code rc) {
  if (rc == CBC_ENOMEM) starve_all(t);
  if (t->starved) end_starved(t);
  if (t->profile.mixed) cbc_profile_end_sharing(&t->profile);
  return rc;
}

cbc_code cbc_transport_wait(cbc_transport *t, double seconds, cbc_error *err) {
  return settle(t, cbc_multi_wait(&t->profile.multi, seconds, err));
}

cbc_code cbc_transport_step(cbc_transport *t, cbc_error *err) {
  return settle(t, cbc_multi_step(&t->profile.multi, err));
}

cbc_code cbc_transport_kick(cbc_transport *t, cbc_error *err) {
  return settle(t, cbc_multi_kick(&t->profile.multi, err));
}

cbc_multi *cbc_transport_multi(cbc_transport *t) {
  return &t->profile.multi;
}
