/*
** cbl_call.c - a call of the core driven for Lua.
*/
#include "cbl_call.h"

#include "cbl_hooks.h"
#include "cbl_shared.h"
#include "cbl_verdict.h"

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
  /* What comes with another status is not the file. */
  if (done == job->progress_done || (!upload && p.status != 200)) return;
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
    cbl_hooks_before(L, job);
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
    cbl_hooks_after(L, job);
    cbc_call_took(call);
    break;
  case CBC_DO_JUDGE:
    cbc_call_judge(call, cbl_verdict_read(L, job));
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
