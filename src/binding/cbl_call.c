/*
** cbl_call.c - a call of the core driven for Lua.
*/
#include "cbl_call.h"

#include <string.h>

#include "cbc_header.h"
#include "cbl_json.h"
#include "cbl_shared.h"

#define BOX "cloudblue.Call"

/* ==== The owner of a call ============================================= */

typedef struct box {
  cbc_call *call; /* owned; NULL when over */
} box;

static void end_call(box *b) {
  cbc_call *call = b->call;
  b->call = NULL;
  cbc_call_free(call);
}

/* The box leaves the stack: its call is over, and the next may have it. */
static int box_close(lua_State *L) {
  end_call(luaL_checkudata(L, 1, BOX));
  lua_getiuservalue(L, 1, 1);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, CBL_SPARE_BOX);
  return 0;
}

static int box_gc(lua_State *L) {
  end_call(luaL_checkudata(L, 1, BOX));
  return 0;
}

/* Pushes an empty box whose user value is the client: the core's client must
** not go before its call. */
static box *push_box(lua_State *L, int client) {
  box *b;
  if (lua_getiuservalue(L, client, CBL_SPARE_BOX) == LUA_TUSERDATA) {
    lua_pushnil(L);
    lua_setiuservalue(L, client, CBL_SPARE_BOX);
    return lua_touserdata(L, -1);
  }
  lua_pop(L, 1);
  b = lua_newuserdatauv(L, sizeof *b, 1);
  b->call = NULL;
  luaL_setmetatable(L, BOX);
  lua_pushvalue(L, client);
  lua_setiuservalue(L, -2, 1);
  return b;
}

void cbl_call_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"__gc", box_gc}, {"__close", box_close}, {NULL, NULL}};
  cbl_type_begin(L, BOX, functions);
  cbl_type_end(L, BOX);
}

void cbl_call_begin(lua_State *L, cbl_job *job, int client) {
  cbc_error err;
  box *b;
  cbc_client *core = cbl_client_core(L, client);
  b = push_box(L, client);
  lua_toclose(L, -1);
  job->client = lua_touserdata(L, client);
  job->client_index = client;
  b->call = cbc_call_new(core, &err);
  if (b->call == NULL) cbl_raise(L, &err);
  job->call = b->call;
}

/* ==== Hooks =========================================================== */

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

/* Pushes the headers of a reply, names in lower case. */
static void push_headers(lua_State *L, const cbl_job *job, cbc_transfer *x) {
  const struct curl_header *h = NULL;
  lua_newtable(L);
  while ((h = cbc_transfer_next_header(x, h)) != NULL) {
    size_t n = strlen(h->name);
    luaL_Buffer b;
    char *name = luaL_buffinitsize(L, &b, n);
    for (size_t i = 0; i < n; i++)
      name[i] =
          (char)(h->name[i] >= 'A' && h->name[i] <= 'Z' ? h->name[i] - 'A' + 'a' : h->name[i]);
    luaL_pushresultsize(&b, n);
    cbl_client_push_masked(L, job->client, h->value, cbc_header_size(h->value));
    lua_rawset(L, -3);
  }
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
  push_headers(L, job, x);
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

/* ==== Waiting ========================================================= */

static int nothing(lua_State *L) {
  (void)L;
  return 0;
}

/* Lets a debug hook run: the stand-alone interpreter answers Ctrl-C with one
** that raises an error. It sets it for the main thread alone, so a coroutine
** that waits takes it over. */
static void let_interpreter_act(lua_State *L) {
  lua_State *main;
  if (lua_gethook(L) == NULL) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    main = lua_tothread(L, -1);
    lua_pop(L, 1);
    if (main == NULL || lua_gethook(main) == NULL) return;
    lua_sethook(L, lua_gethook(main), lua_gethookmask(main), lua_gethookcount(main));
  }
  lua_pushcfunction(L, nothing);
  lua_call(L, 0, 0);
}

/* The one place where a call waits. */
static void wait(lua_State *L, cbl_job *job) {
  cbc_error err;
  cbc_code rc = cbc_call_wait(job->call, &err);
  let_interpreter_act(L);
  if (rc != CBC_OK && rc != CBC_EINTR) cbl_raise(L, &err);
}

/* ==== Confirmation ==================================================== */

/* True when the value at the top of the stack is the string of n bytes. */
static bool is_string(lua_State *L, const char *bytes, size_t n) {
  return lua_type(L, -1) == LUA_TSTRING && lua_rawlen(L, -1) == n &&
         memcmp(lua_tostring(L, -1), bytes, n) == 0;
}

/* Whose close the closed object at the top of the stack shows. A billing id
** that is absent, or no string, is not told. */
static cbc_verdict whose(lua_State *L, const cbl_job *job) {
  cbc_verdict verdict = CBC_VERDICT_OTHERS;
  int type = lua_getfield(L, -1, "external_billing_id");
  bool none = type == LUA_TLIGHTUSERDATA || is_string(L, "", 0);
  if (job->billing_id == NULL) {
    if (none || type == LUA_TNIL) verdict = CBC_VERDICT_OURS;
  } else if (type != LUA_TSTRING && !none) {
    verdict = CBC_VERDICT_UNREADABLE;
  } else if (is_string(L, job->billing_id, job->billing_id_size)) {
    verdict = CBC_VERDICT_OURS;
  }
  lua_pop(L, 1);
  return verdict;
}

/* What the object at the top of the stack shows, if it is the call's subject. */
static cbc_verdict judge_object(lua_State *L, const cbl_job *job) {
  bool subject, told, closed;
  lua_getfield(L, -1, "id");
  subject = is_string(L, job->subject, job->subject_size);
  told = lua_getfield(L, -2, "status") == LUA_TSTRING;
  closed = is_string(L, "closed", 6);
  lua_pop(L, 2);
  if (!subject || !told) return CBC_VERDICT_UNREADABLE;
  return closed ? whose(L, job) : CBC_VERDICT_OPEN;
}

static cbc_verdict read_verdict(lua_State *L, const cbl_job *job) {
  cbc_verdict verdict = CBC_VERDICT_UNREADABLE;
  int top = lua_gettop(L);
  cbl_call_push_body(L, job->call->reading);
  if (cbl_json_decode(L) && lua_istable(L, -1)) verdict = judge_object(L, job);
  lua_settop(L, top);
  return verdict;
}

/* ==== Steps =========================================================== */

static void check(lua_State *L, cbc_code rc, const cbc_error *err) {
  if (rc != CBC_OK) cbl_raise(L, err);
}

/* Calls onProgress(done, total) when there is more done than the last time. */
static void report_progress(lua_State *L, cbl_job *job) {
  cbc_progress p;
  bool upload = job->call->request.body == CBC_BODY_MULTIPART;
  double done, total;
  if (job->progress == 0 || job->call->attempt == NULL) return;
  cbc_transfer_progress(job->call->attempt, &p);
  done = upload ? p.sent : p.received;
  total = upload ? p.sent_total : p.received_total;
  if (done == job->progress_done) return;
  job->progress_done = done;
  lua_pushvalue(L, job->progress);
  lua_pushinteger(L, (lua_Integer)done);
  if (total >= 0)
    lua_pushinteger(L, (lua_Integer)total);
  else
    lua_pushnil(L);
  lua_call(L, 2, 0);
}

/* Does what one step asks for. */
static void do_step(lua_State *L, cbl_job *job, cbc_do what) {
  cbc_call *call = job->call;
  cbc_error err;
  switch (what) {
  case CBC_DO_SEND:
    if (cbc_call_probing(call) && call->probe.url.size == 0) job->aim(L, job);
    run_hooks(L, job, CBL_BEFORE, push_request);
    check(L, cbc_call_send(call, &err), &err);
    break;
  case CBC_DO_WAIT:
    wait(L, job);
    report_progress(L, job);
    break;
  case CBC_DO_TAKE:
    job->take(L, job, &cbc_transfer_reply(call->attempt)->body);
    report_progress(L, job);
    check(L, cbc_call_resume(call, &err), &err);
    break;
  case CBC_DO_FEED:
    job->give(L, job);
    check(L, cbc_call_resume(call, &err), &err);
    break;
  case CBC_DO_REPLY:
    err = cbc_transfer_reply(cbc_call_transfer(call))->error;
    if (err.code == CBC_ENOMEM) cbl_raise(L, &err);
    run_hooks(L, job, CBL_AFTER, push_response);
    cbc_call_took(call);
    break;
  case CBC_DO_JUDGE:
    cbc_call_judge(call, read_verdict(L, job));
    break;
  case CBC_DO_FINISH:
    break;
  }
}

void cbl_call_run(lua_State *L, cbl_job *job) {
  cbc_do what;
  luaL_checkstack(L, 20, "no room for a call");
  while ((what = cbc_call_next(job->call)) != CBC_DO_FINISH)
    do_step(L, job, what);
}

/* ==== Replies ========================================================= */

void cbl_call_push_body(lua_State *L, cbc_transfer *x) {
  const cbc_buffer *body = &cbc_transfer_reply(x)->body;
  lua_pushlstring(L, body->data != NULL ? body->data : "", body->size);
}

void cbl_call_push_reply(lua_State *L, const cbl_job *job) {
  cbc_transfer *x = job->call->attempt;
  lua_createtable(L, 0, 2);
  lua_pushinteger(L, cbc_transfer_reply(x)->status);
  lua_setfield(L, -2, "status");
  push_headers(L, job, x);
  lua_setfield(L, -2, "headers");
}
