/*
** cbl_hooks.c - the functions that a client calls before and after each request.
*/
#include "cbl_hooks.h"

#include "cbl_aux.h"
#include "cbl_job.h"
#include "cbl_reply.h"

/* Sets a field of the table at the top of the stack to the bytes, masked. */
static void set_masked(lua_State *L, const cbl_job *job, const char *name, const char *bytes,
                       size_t n) {
  lua_pushlstring(L, bytes != NULL ? bytes : "", n);
  cbl_client_mask(L, job->client);
  lua_setfield(L, -2, name);
}

static const cbc_request *request_of(const cbc_call *call) {
  return cbc_call_probing(call) ? &call->probe : &call->request;
}

/* Pushes what hooks of either kind see of the request. */
static void push_common(lua_State *L, const cbl_job *job) {
  const cbc_call *call = job->call;
  bool probing = cbc_call_probing(call);
  const cbc_request *r = request_of(call);
  lua_createtable(L, 0, 8);
  cbl_setstring(L, "method", r->method);
  set_masked(L, job, "url", r->url.data, r->url.size);
  lua_pushinteger(L, call->exchange.attempts + (probing ? 0 : 1));
  lua_setfield(L, -2, "attempt");
  lua_pushboolean(L, probing);
  lua_setfield(L, -2, "confirming");
}

static void push_request(lua_State *L, const cbl_job *job) {
  const cbc_request *r = request_of(job->call);
  push_common(L, job);
  lua_newtable(L);
  cbl_setstring(L, "Authorization", "***");
  if (r->body == CBC_BODY_JSON) cbl_setstring(L, "Content-Type", "application/json");
  for (size_t i = 0; i < r->header_count; i++) {
    lua_pushstring(L, r->headers[i].value);
    cbl_client_mask(L, job->client);
    lua_setfield(L, -2, r->headers[i].name);
  }
  lua_setfield(L, -2, "headers");
  if (r->body == CBC_BODY_JSON) set_masked(L, job, "body", r->json, r->json_size);
}

static void push_response(lua_State *L, const cbl_job *job) {
  cbc_transfer *x = cbc_call_transfer(job->call);
  cbc_reply *reply = cbc_transfer_reply(x);
  push_common(L, job);
  if (reply->status == 0) {
    lua_pushstring(L, reply->error.message);
    cbl_client_mask(L, job->client);
    lua_setfield(L, -2, "error");
    return;
  }
  lua_pushinteger(L, reply->status);
  lua_setfield(L, -2, "status");
  cbl_reply_push_headers(L, job->client, x);
  lua_setfield(L, -2, "headers");
  set_masked(L, job, "body", reply->body.data, reply->body.size);
}

/* Calls each hook of a kind with a table of its own. */
static void run_hooks(lua_State *L, int idx, int kind, void (*push)(lua_State *, const cbl_job *)) {
  cbl_job *job = lua_touserdata(L, idx);
  lua_Integer n;
  if (!job->client->hooked[kind - CBL_BEFORE]) return;
  cbl_job_push_anchored(L, idx, CBL_JOB_CLIENT);
  lua_getiuservalue(L, -1, kind);
  n = (lua_Integer)lua_rawlen(L, -1);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, -1, i);
    push(L, job);
    lua_call(L, 1, 0);
    /* A hook may have closed the client. */
    if (cbc_client_closed(job->call->client)) break;
  }
  lua_pop(L, 2);
}

void cbl_hooks_before(lua_State *L, int idx) {
  run_hooks(L, idx, CBL_BEFORE, push_request);
}

void cbl_hooks_after(lua_State *L, int idx) {
  run_hooks(L, idx, CBL_AFTER, push_response);
}
