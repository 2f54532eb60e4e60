/*
** cbl_action.c - carries out a row of the table of endpoints.
*/
#include "cbl_action.h"

#include "cbl_arguments.h"
#include "cbl_aux.h"
#include "cbl_call.h"

static cbc_repeat repeat_of(const cbl_endpoint *e) {
  return e->confirm != NULL ? CBC_REPEAT_CONFIRMED : cbc_exchange_repeat(e->method);
}

/* The row itself, or the second one where the service is known not to have its
** route. */
static const cbl_endpoint *choose(lua_State *L, const cbl_endpoint *e, int client) {
  const cbl_client *c = lua_touserdata(L, client);
  return e->otherwise != NULL && c->bulk == CBL_BULK_SINGLE ? e->otherwise : e;
}

/* Body, parts and what is borrowed for them are there already. */
static void complete_request(lua_State *L, cbl_job *job, const char *base_uri,
                             const cbl_arguments *a) {
  cbc_request *r = &job->call->request;
  r->method = job->endpoint->method;
  r->whole = job->endpoint->returns == CBL_RETURNS_BYTES;
  r->connect_timeout = a->limits.connect_timeout;
  cbl_job_add_route(&r->url, base_uri, job->endpoint->route, a->ids);
  if (a->query != 0) {
    size_t n;
    const char *query = lua_tolstring(L, a->query, &n);
    cbc_buffer_adds(&r->url, "?");
    cbc_buffer_add(&r->url, query, n);
  }
  if (r->url.failed) cbl_raise_nomem(L);
}

int cbl_action_perform(lua_State *L, const cbl_class *class, const cbl_endpoint *endpoint,
                       const char *base_uri, int client, int first) {
  cbl_job *job = cbl_job_push(L, client, class, choose(L, endpoint, client));
  int idx = lua_gettop(L);
  cbl_arguments a;
  cbc_policy policy;
  cbl_arguments_read(L, idx, first, &a);
  complete_request(L, job, base_uri, &a);
  policy = cbl_limits_policy(&a.limits);
  cbc_call_start(job->call, &policy, repeat_of(job->endpoint));
  return cbl_call_run(L, idx);
}
