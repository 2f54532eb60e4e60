/*
** cbc_client.c - one endpoint, one key, and the transport to it.
*/
#include "cbc_client.h"

#include <string.h>

#include "cbc_secret.h"

struct cbc_client {
  const cbc_env *env;
  cbc_transport *transport; /* NULL once closed */
  size_t holders;           /* calls in use */
  bool abandoned;           /* its owner is gone: the last holder frees it */
  char *secret;             /* part of the key, to be masked; owned; NULL once wiped */
  size_t secret_size;       /* with its terminator, in bytes */
  char account[CBC_ACCOUNT_SIZE];
  cbc_policy policy;
  size_t size;     /* of this block, in bytes */
  char endpoint[]; /* terminated */
};

/* Copies what the client itself keeps: the endpoint, and the secret that replies
** are searched for. */
static bool copy_strings(cbc_client *c, const cbc_client_options *options) {
  const char *secret = cbc_secret_of(options->transport.key);
  c->secret_size = strlen(secret) + 1;
  c->secret = cbc_alloc(c->env, c->secret_size);
  if (c->secret == NULL) return false;
  memcpy(c->secret, secret, c->secret_size);
  cbc_secret_account(options->transport.key, c->account);
  memcpy(c->endpoint, options->endpoint, options->endpoint_size);
  c->endpoint[options->endpoint_size] = '\0';
  return true;
}

cbc_client *cbc_client_new(const cbc_env *env, const cbc_client_options *options, cbc_error *err) {
  size_t size = sizeof(cbc_client) + options->endpoint_size + 1;
  cbc_client *c = cbc_alloc(env, size);
  if (c == NULL) {
    cbc_error_nomem(err);
    return NULL;
  }
  *c = (cbc_client){.env = env, .policy = options->policy, .size = size};
  if (!copy_strings(c, options))
    cbc_error_nomem(err);
  else
    c->transport = cbc_transport_new(env, &options->transport, err);
  if (c->transport != NULL) return c;
  cbc_client_free(c);
  return NULL;
}

/* The secret stays as long as a reply may be shown in which it is to be masked. */
static void forget(cbc_client *c) {
  if (c->transport != NULL || c->holders > 0) return;
  cbc_free_secret(c->env, c->secret, c->secret_size);
  c->secret = NULL;
}

void cbc_client_close(cbc_client *c) {
  if (c->transport == NULL) return;
  cbc_transport_free(c->transport);
  c->transport = NULL;
  forget(c);
}

bool cbc_client_closed(const cbc_client *c) {
  return c->transport == NULL;
}

void cbc_client_free(cbc_client *c) {
  if (c == NULL) return;
  cbc_client_close(c);
  forget(c);
  c->abandoned = true;
  if (c->holders == 0) cbc_free(c->env, c, c->size);
}

cbc_transport *cbc_client_hold(cbc_client *c) {
  if (c->transport != NULL) c->holders++;
  return c->transport;
}

void cbc_client_release(cbc_client *c) {
  c->holders--;
  forget(c);
  if (c->abandoned && c->holders == 0) cbc_free(c->env, c, c->size);
}

cbc_transport *cbc_client_transport(const cbc_client *c) {
  return c->transport;
}

int cbc_client_descriptor(cbc_client *c, cbc_error *err) {
  cbc_multi *m;
  if (c->transport == NULL) {
    cbc_error_set(err, CBC_ECLOSED, "the client is closed");
    return -1;
  }
  m = cbc_transport_multi(c->transport);
  return cbc_multi_open_poller(m, err) == CBC_OK ? m->poller.fd : -1;
}

void cbc_client_host(cbc_client *c) {
  if (c->transport != NULL) cbc_transport_multi(c->transport)->hosted = true;
}

cbc_code cbc_client_step(cbc_client *c, cbc_error *err) {
  return c->transport != NULL ? cbc_transport_step(c->transport, err) : CBC_OK;
}

bool cbc_client_overstays(const cbc_client *c) {
  return c->transport != NULL && cbc_multi_overstays(cbc_transport_multi(c->transport));
}

void cbc_client_arm(cbc_client *c) {
  if (c->transport != NULL) cbc_multi_arm(cbc_transport_multi(c->transport));
}

double cbc_client_disarm(cbc_client *c) {
  cbc_multi *m;
  if (c->transport == NULL) return CBC_NEVER;
  m = cbc_transport_multi(c->transport);
  cbc_poller_disarm(&m->poller);
  return cbc_multi_due(m);
}

bool cbc_client_ready(const cbc_client *c) {
  return c->transport != NULL &&
         cbc_waiters_ready(&cbc_transport_multi(c->transport)->waiters, true);
}

const char *cbc_client_endpoint(const cbc_client *c) {
  return c->endpoint;
}

const char *cbc_client_account(const cbc_client *c) {
  return c->account;
}

bool cbc_client_has_secret(const cbc_client *c, const char *bytes, size_t n) {
  return c->secret != NULL && cbc_secret_find(c->secret, bytes, n);
}

void cbc_client_mask(const cbc_client *c, char *bytes, size_t n) {
  if (c->secret != NULL) cbc_secret_mask(c->secret, bytes, n);
}

const cbc_env *cbc_client_env(const cbc_client *c) {
  return c->env;
}

const cbc_policy *cbc_client_policy(const cbc_client *c) {
  return &c->policy;
}
