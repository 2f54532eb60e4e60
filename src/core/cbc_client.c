/*
** cbc_client.c - one endpoint, one key, and the calls that are under way.
*/
#include <string.h>

#include "cbc_client_impl.h"

cbc_client *cbc_client_new(const cbc_env *env, const cbc_client_options *options, cbc_error *err) {
  size_t size = options->endpoint_size + 1;
  cbc_client *c = cbc_alloc(env, sizeof *c + size);
  if (c == NULL) {
    cbc_error_nomem(err);
    return NULL;
  }
  *c = (cbc_client){.env = env, .policy = options->policy, .size = sizeof *c + size};
  memcpy(c->endpoint, options->endpoint, size - 1);
  c->endpoint[size - 1] = '\0';
  c->transport = cbc_transport_new(env, &options->transport, err);
  if (c->transport != NULL) return c;
  cbc_client_free(c);
  return NULL;
}

void cbc_client_close(cbc_client *c) {
  if (c->transport == NULL) return;
  for (cbc_call *call = c->calls; call != NULL; call = call->next)
    cbc_call_abandon(call);
  cbc_call_destroy(c->spare);
  c->spare = NULL;
  cbc_transport_free(c->transport);
  c->transport = NULL;
}

bool cbc_client_closed(const cbc_client *c) {
  return c->transport == NULL;
}

void cbc_client_free(cbc_client *c) {
  if (c == NULL) return;
  cbc_client_close(c);
  cbc_free(c->env, c, c->size);
}

const char *cbc_client_endpoint(const cbc_client *c) {
  return c->endpoint;
}

void cbc_client_mask(const cbc_client *c, char *bytes, size_t n) {
  if (c->transport != NULL) cbc_transport_mask(c->transport, bytes, n);
}

const cbc_env *cbc_client_env(const cbc_client *c) {
  return c->env;
}

const cbc_policy *cbc_client_policy(const cbc_client *c) {
  return &c->policy;
}
