/*
** cbl_pause.c - what a run in Lua needs beside calls.
*/
#include "cbl_pause.h"

#include "cbl_call.h"
#include "cbl_client.h"
#include "cbl_job.h"
#include "cbl_state.h"

int cbl_pause(lua_State *L) {
  static const cbl_endpoint nothing = {"pause",         "GET", "",  CBL_SHAPE_NONE,
                                       CBL_RETURNS_ANY, NULL,  {0}, NULL};
  double seconds = luaL_checknumber(L, 2);
  cbl_job *job;
  cbl_client_check(L, 1);
  job = cbl_job_push(L, 1, NULL, &nothing);
  job->call->request.method = nothing.method;
  cbc_call_pause(job->call, seconds);
  return cbl_call_run(L, lua_gettop(L));
}

int cbl_pause_now(lua_State *L) {
  const cbc_env *env = cbl_env(L);
  lua_pushnumber(L, env->now(env->ud));
  return 1;
}

int cbl_pause_timeout(lua_State *L) {
  const cbl_client *c = cbl_client_check(L, 1);
  lua_pushnumber(L, cbc_client_policy(c->live.core)->timeout);
  return 1;
}

int cbl_pause_account(lua_State *L) {
  const cbl_client *c = cbl_client_check(L, 1);
  lua_pushstring(L, cbc_client_account(c->live.core));
  return 1;
}

int cbl_pause_closed(lua_State *L) {
  const cbl_client *c = luaL_checkudata(L, 1, CBL_CLIENT);
  lua_pushboolean(L, c->live.core == NULL || cbc_client_closed(c->live.core));
  return 1;
}
