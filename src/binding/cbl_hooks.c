/*
** cbl_hooks.c - the functions that a client calls around each request.
*/
#include "cbl_hooks.h"

#include "cbl_reply.h"

static void set_field(lua_State *L, const char *name, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}

/* Pushes what hooks of either kind see of the request. */
static void push_common(lua_State *L, const cbl_job *job) {
  const cbc_call *call = job->call;
  bool probing = cbc_call_probing(call);
  const cbc_request *r = probing ? &call->probe : &call->request;
  lua_createtable(L, 0, 8);
  set_field(L, "method", r->method);
  lua_pushlstring(L, r->url.data, r->url.size);
  lua_setfield(L, -2, "url");
  lua_pushinteger(L, call->exchange.attempts + (probing ? 0 : 1));
  lua_setfield(L, -2, "attempt");
  lua_pushboolean(L, probing);
  lua_setfield(L, -2, "confirming");
}

static void push_request(lua_State *L, const cbl_job *job) {
  const cbc_call *call = job->call;
  const cbc_request *r = cbc_call_probing(call) ? &call->probe : &call->request;
  push_common(L, job);
  lua_newtable(L);
  set_field(L, "Authorization", "***");
  if (r->body == CBC_BODY_JSON) set_field(L, "Content-Type", "application/json");
  for (size_t i = 0; i < r->header_count; i++)
    set_field(L, r->headers[i].name, r->headers[i].value);
  lua_setfield(L, -2, "headers");
  if (r->body != CBC_BODY_JSON) return;
  lua_pushlstring(L, r->json, r->json_size);
  lua_setfield(L, -2, "body");
}

static void push_response(lua_State *L, const cbl_job *job) {
  cbc_transfer *x = cbc_call_transfer(job->call);
  cbc_reply *reply = cbc_transfer_reply(x);
  push_common(L, job);
  if (reply->status == 0) {
    set_field(L, "error", reply->error.message);
    return;
  }
  lua_pushinteger(L, reply->status);
  lua_setfield(L, -2, "status");
  cbl_reply_push_headers(L, job->client, x);
  lua_setfield(L, -2, "headers");
  cbl_client_push_masked(L, job->client, reply->body.data != NULL ? reply->body.data : "",
                         reply->body.size);
  lua_setfield(L, -2, "body");
}

/* Calls each hook of a kind with a table of its own. */
static void run_hooks(lua_State *L, const cbl_job *job, int kind,
                      void (*push)(lua_State *, const cbl_job *)) {
  lua_Integer n;
  if (!job->client->hooked[kind - CBL_BEFORE]) return;
  lua_getiuservalue(L, job->client_index, kind);
  n = (lua_Integer)lua_rawlen(L, -1);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, -1, i);
    push(L, job);
    lua_call(L, 1, 0);
    /* A hook may have closed the client. */
    if (job->call->exchange.state == CBC_DONE) break;
  }
  lua_pop(L, 1);
}

void cbl_hooks_before(lua_State *L, const cbl_job *job) {
  run_hooks(L, job, CBL_BEFORE, push_request);
}

void cbl_hooks_after(lua_State *L, const cbl_job *job) {
  run_hooks(L, job, CBL_AFTER, push_response);
}
