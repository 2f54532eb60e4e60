/*
** cbc_transport.c - connections, their sockets and their timer.
*/
#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "cbc_transport_impl.h"

#define KEEPALIVE_IDLE 60L     /* seconds before a quiet connection is probed */
#define KEEPALIVE_INTERVAL 30L /* seconds between probes */

#define INITIAL_SOCKETS 4

/* ==== What libcurl tells ============================================== */

static struct pollfd *find_socket(cbc_transport *t, curl_socket_t s) {
  for (size_t i = 0; i < t->socket_count; i++)
    if (t->sockets[i].fd == s) return &t->sockets[i];
  return NULL;
}

static struct pollfd *add_socket(cbc_transport *t, curl_socket_t s) {
  if (t->socket_count == t->socket_capacity) {
    size_t capacity = t->socket_capacity != 0 ? 2 * t->socket_capacity : INITIAL_SOCKETS;
    struct pollfd *grown = cbc_realloc(t->env, t->sockets, t->socket_capacity * sizeof *grown,
                                       capacity * sizeof *grown);
    if (grown == NULL) return NULL;
    t->sockets = grown;
    t->socket_capacity = capacity;
  }
  t->sockets[t->socket_count] = (struct pollfd){.fd = s};
  return &t->sockets[t->socket_count++];
}

/* The transfer of a handle; NULL for one of libcurl's own. */
static cbc_transfer *owner_of(CURL *easy) {
  char *owner = NULL;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &owner);
  return (cbc_transfer *)(void *)owner;
}

int cbc_transport_watch(CURL *easy, curl_socket_t s, int what, void *ud, void *socketp) {
  cbc_transport *t = ud;
  struct pollfd *p = find_socket(t, s);
  (void)socketp;
  if (what == CURL_POLL_REMOVE) {
    if (p != NULL) *p = t->sockets[--t->socket_count];
    return 0;
  }
  if (p == NULL) p = add_socket(t, s);
  if (p != NULL) {
    p->events =
        (short)(((what & CURL_POLL_IN) ? POLLIN : 0) | ((what & CURL_POLL_OUT) ? POLLOUT : 0));
  } else {
    cbc_transfer *x = owner_of(easy);
    t->unwatched = true;
    if (x != NULL) x->nomem = true;
  }
  return 0;
}

/* CURLMOPT_TIMERFUNCTION. */
static int on_timer(CURLM *multi, long milliseconds, void *ud) {
  cbc_transport *t = ud;
  (void)multi;
  t->timer = milliseconds < 0    ? -1
             : milliseconds == 0 ? 0
                                 : t->env->now(t->env->ud) + (double)milliseconds / 1e3;
  return 0;
}

/* ==== Creation and end ================================================ */

/* Sets an option and keeps the first refusal. */
#define SET(option, value)                                \
  do {                                                    \
    CURLcode rc_ = curl_easy_setopt(easy, option, value); \
    if (result == CURLE_OK) result = rc_;                 \
  } while (0)

static CURLcode set_protocols(CURL *easy, bool plain) {
#if LIBCURL_VERSION_NUM >= 0x075500
  return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
#else
  return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, plain ? CURLPROTO_HTTP : CURLPROTO_HTTPS);
#endif
}

static CURLcode set_connection(CURL *easy, const cbc_transport_options *o) {
  CURLcode result = set_protocols(easy, o->plain);
  /* HTTP/1.1: one call a connection, so that what a broken connection leaves in
  ** doubt is that call alone. */
  SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
#if LIBCURL_VERSION_NUM >= 0x075700
  /* Else a time-out waits for the resolver's thread to end. The thread is left
  ** behind and frees itself, so libcurl must stay loaded: see cbl_pin.c. */
  SET(CURLOPT_QUICK_EXIT, 1L);
#endif
  SET(CURLOPT_TCP_KEEPALIVE, 1L);
  SET(CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE);
  SET(CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL);
  /* Through a proxy always by CONNECT: it sees no request, nor the key. */
  SET(CURLOPT_HTTPPROXYTUNNEL, 1L);
  SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); /* its head is not the reply's */
  if (o->proxy != NULL)
    SET(CURLOPT_PROXY, o->proxy);
  else if (o->plain)
    SET(CURLOPT_PROXY, ""); /* a proxy would read the key */
  return result;
}

static CURLcode set_security(CURL *easy, const cbc_transport_options *o) {
  CURLcode result = CURLE_OK;
  SET(CURLOPT_SSL_VERIFYPEER, 1L);
  SET(CURLOPT_SSL_VERIFYHOST, 2L);
  SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  if (o->ca_file != NULL) SET(CURLOPT_CAINFO, o->ca_file);
  if (o->ca_path != NULL) SET(CURLOPT_CAPATH, o->ca_path);
  if (o->client_cert != NULL) SET(CURLOPT_SSLCERT, o->client_cert);
  if (o->client_key != NULL) SET(CURLOPT_SSLKEY, o->client_key);
  SET(CURLOPT_FOLLOWLOCATION, 0L);
  SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  return result;
}

static CURLcode set_behaviour(CURL *easy, const cbc_transport_options *o) {
  CURLcode result = CURLE_OK;
  SET(CURLOPT_NOSIGNAL, 1L); /* signals belong to the host */
  SET(CURLOPT_NOPROGRESS, 1L);
  SET(CURLOPT_ACCEPT_ENCODING, CBC_CODINGS);
  if (o->user_agent != NULL) SET(CURLOPT_USERAGENT, o->user_agent);
  return result;
}

static bool add_header(cbc_transport *t, const char *name, const char *value) {
  struct curl_slist *longer = cbc_headers_add(t->env, t->headers, name, value);
  if (longer == NULL) return false;
  t->headers = longer;
  return true;
}

static bool set_headers(cbc_transport *t, const cbc_transport_options *o) {
  for (size_t i = o->header_count; i-- > 0;)
    if (!add_header(t, o->headers[i].name, o->headers[i].value)) return false;
  if (!add_header(t, "Authorization", o->key)) return false;
  /* libcurl writes the Content-Type of a form for any body; JSON has its own,
  ** and an empty body none. */
  t->typed[false] = cbc_headers_add(t->env, t->headers, "Content-Type", NULL);
  t->typed[true] = cbc_headers_add(t->env, t->headers, "Content-Type", "application/json");
  return t->typed[false] != NULL && t->typed[true] != NULL;
}

/* The URL of every transfer is the origin alone. What is asked for goes into
** CURLOPT_REQUEST_TARGET, which libcurl sends as it is: it neither resolves dots
** nor reads the path anew for each call. */
static CURLcode set_origin(cbc_transport *t, const cbc_transport_options *o) {
  cbc_buffer url;
  const char *s;
  CURLcode rc = CURLE_OUT_OF_MEMORY;
  cbc_buffer_init(&url, t->env);
  cbc_buffer_add(&url, o->origin, o->origin_size);
  if ((s = cbc_buffer_string(&url)) != NULL) rc = curl_easy_setopt(t->model, CURLOPT_URL, s);
  cbc_buffer_free(&url);
  return rc;
}

static CURLMcode set_multi(cbc_transport *t, long max_connections) {
  CURLMcode rc = curl_multi_setopt(t->multi, CURLMOPT_SOCKETFUNCTION, cbc_transport_watch);
  if (rc == CURLM_OK) rc = curl_multi_setopt(t->multi, CURLMOPT_SOCKETDATA, t);
  if (rc == CURLM_OK) rc = curl_multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, on_timer);
  if (rc == CURLM_OK) rc = curl_multi_setopt(t->multi, CURLMOPT_TIMERDATA, t);
  if (rc == CURLM_OK) rc = curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, max_connections);
  if (rc == CURLM_OK)
    rc = curl_multi_setopt(t->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, max_connections);
  return rc;
}

static CURLcode configure(cbc_transport *t, const cbc_transport_options *o) {
  CURLcode rc;
  /* Counted and thread-safe since libcurl 7.84 (curl_global_init). Never taken
  ** back: handles outlive their transport (cbc_transfer_orphan), a look-up that
  ** was given up may still be at work, and the module stays loaded (cbl_pin.c). */
  if ((rc = curl_global_init(CURL_GLOBAL_DEFAULT)) != CURLE_OK) return rc;
  t->multi = curl_multi_init();
  t->model = curl_easy_init();
  if (t->multi == NULL || t->model == NULL || !set_headers(t, o)) return CURLE_OUT_OF_MEMORY;
  if (set_multi(t, o->max_connections) != CURLM_OK) return CURLE_OUT_OF_MEMORY;
  if ((rc = set_origin(t, o)) != CURLE_OK) return rc;
  if ((rc = set_connection(t->model, o)) != CURLE_OK) return rc;
  if ((rc = set_security(t->model, o)) != CURLE_OK) return rc;
  return set_behaviour(t->model, o);
}

/* True where libcurl reads through TLS: to the endpoint, or to the proxy. */
static bool is_layered(const cbc_transport_options *o) {
  return !o->plain || (o->proxy != NULL && strncasecmp(o->proxy, "https:", 6) == 0);
}

cbc_transport *cbc_transport_new(const cbc_env *env, const cbc_transport_options *options,
                                 cbc_error *err) {
  cbc_transport *t = cbc_alloc(env, sizeof *t);
  CURLcode rc;
  if (t == NULL) {
    cbc_error_nomem(err);
    return NULL;
  }
  *t = (cbc_transport){.env = env,
                       .origin = options->origin_size,
                       .connect_timeout = options->connect_timeout,
                       .max_response = options->max_response,
                       .layered = is_layered(options),
                       .timer = -1};
  cbc_sockets_init(&t->opened, env);
  rc = configure(t, options);
  if (rc == CURLE_OK) return t;
  cbc_transport_free(t);
  if (rc == CURLE_OUT_OF_MEMORY)
    cbc_error_nomem(err);
  else
    cbc_error_set(err, CBC_EARG, "an option was refused by libcurl: %s", curl_easy_strerror(rc));
  return NULL;
}

void cbc_transport_free(cbc_transport *t) {
  if (t == NULL) return;
  while (t->idle != NULL) {
    cbc_transfer *x = t->idle;
    t->idle = x->next;
    cbc_transfer_free(x);
  }
  curl_easy_cleanup(t->model);
  curl_multi_cleanup(t->multi);
  for (int json = 0; json < 2; json++)
    if (t->typed[json] != NULL) cbc_headers_free(t->env, t->typed[json], t->headers);
  cbc_headers_free(t->env, t->headers, NULL);
  cbc_free(t->env, t->sockets, t->socket_capacity * sizeof *t->sockets);
  cbc_sockets_free(&t->opened);
  cbc_free(t->env, t, sizeof *t);
}

/* ==== Transfers ======================================================= */

CURLMcode cbc_transport_add(cbc_transport *t, cbc_transfer *x) {
  CURLMcode rc = curl_multi_add_handle(t->multi, x->easy);
  if (rc != CURLM_OK) return rc;
  x->next = t->active;
  x->link = &t->active;
  if (x->next != NULL) x->next->link = &x->next;
  t->active = x;
  return rc;
}

void cbc_transport_remove(cbc_transport *t, cbc_transfer *x) {
  *x->link = x->next;
  if (x->next != NULL) x->next->link = x->link;
  x->link = NULL;
  curl_multi_remove_handle(t->multi, x->easy);
}

/* ==== Waiting ========================================================= */

static CURLMcode act(cbc_transport *t, curl_socket_t s, int events) {
  int running;
  return curl_multi_socket_action(t->multi, s, events, &running);
}

static CURLMcode act_on_sockets(cbc_transport *t) {
  CURLMcode rc = CURLM_OK;
  /* Backwards: libcurl may take entries away meanwhile, and the last one moves
  ** into the gap. */
  for (size_t i = t->socket_count; i-- > 0 && rc == CURLM_OK;) {
    short events;
    if (i >= t->socket_count) continue;
    events = t->sockets[i].revents;
    t->sockets[i].revents = 0;
    if (events == 0) continue;
    rc = act(t, t->sockets[i].fd,
             ((events & (POLLIN | POLLHUP)) ? CURL_CSELECT_IN : 0) |
                 ((events & POLLOUT) ? CURL_CSELECT_OUT : 0) |
                 ((events & (POLLERR | POLLNVAL)) ? CURL_CSELECT_ERR : 0));
  }
  return rc;
}

static void collect_finished(cbc_transport *t) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(t->multi, &left)) != NULL) {
    CURL *easy = message->easy_handle;
    CURLcode result = message->data.result;
    if (message->msg == CURLMSG_DONE) cbc_transfer_finish(owner_of(easy), result);
  }
}

/* Ends the transfers for whose sockets there was no memory: nobody would wake
** them. */
static void end_unwatched(cbc_transport *t) {
  cbc_transfer *next;
  t->unwatched = false;
  for (cbc_transfer *x = t->active; x != NULL; x = next) {
    next = x->next;
    if (x->nomem) cbc_transfer_finish(x, CURLE_OUT_OF_MEMORY);
  }
}

/* How long poll may block, in milliseconds, rounded up so that the timer is due
** when it returns. */
static int poll_time(const cbc_transport *t, double now, double seconds) {
  if (seconds > CBC_WAIT_MOST) seconds = CBC_WAIT_MOST;
  if (t->timer >= 0 && t->timer - now < seconds) seconds = t->timer - now;
  return seconds <= 0 ? 0 : (int)ceil(seconds * 1e3);
}

cbc_code cbc_transport_wait(cbc_transport *t, double seconds, cbc_error *err) {
  CURLMcode rc = CURLM_OK;
  double now = t->timer == 0 ? 0 : t->env->now(t->env->ud);
  if (t->timer < 0 || t->timer > now) {
    int ready =
        t->env->wait(t->env->ud, t->sockets, (nfds_t)t->socket_count, poll_time(t, now, seconds));
    if (ready < 0)
      return errno == EINTR
                 ? CBC_EINTR
                 : cbc_error_set(err, CBC_ETRANSPORT, "poll failed: %s", strerror(errno));
    if (ready > 0) rc = act_on_sockets(t);
  } else {
    t->timer = -1;
    rc = act(t, CURL_SOCKET_TIMEOUT, 0);
  }
  collect_finished(t);
  if (t->unwatched) end_unwatched(t);
  if (rc == CURLM_OUT_OF_MEMORY) return cbc_error_nomem(err);
  if (rc != CURLM_OK && rc != CURLM_BAD_SOCKET)
    return cbc_error_set(err, CBC_ETRANSPORT, "libcurl: %s", curl_multi_strerror(rc));
  return CBC_OK;
}
