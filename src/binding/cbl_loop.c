/*
** cbl_loop.c - the methods of a client that have to do with somebody's loop.
*/
#include "cbl_loop.h"

#include <math.h>

#include "cbl_aux.h"
#include "cbl_client.h"
#include "cbl_parking.h"
#include "cbl_state.h"

/* The longest that client:step waits at once, in seconds. */
#define WAIT_MOST 3600

/* ==== Functions of a loop ============================================== */

/* The names of the functions, in their places. */
static const char *const names[] = {"token", "park", "wake", "watch"};

/* Pushes a list of the functions of the table at argument arg. */
static void push_functions(lua_State *L, int arg) {
  lua_createtable(L, CBL_LOOP_SIZE, 0);
  for (int i = 0; i < CBL_LOOP_WATCH; i++) {
    if (lua_getfield(L, arg, names[i]) != LUA_TFUNCTION)
      cbl_argerror(L, arg,
                   lua_pushfstring(L, "the loop's %s must be a function, got %s", names[i],
                                   luaL_typename(L, -1)));
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushboolean(L, false);
  lua_rawseti(L, -2, CBL_LOOP_UNWATCH);
}

int cbl_loop_set_tasks(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  lua_createtable(L, CBL_LOOP_SIZE, 0);
  for (int i = CBL_LOOP_TOKEN; i <= CBL_LOOP_WAKE; i++) {
    lua_pushvalue(L, i);
    lua_rawseti(L, -2, i);
  }
  cbl_state_set(L, CBL_TASKS);
  return 0;
}

/* ==== Attaching ======================================================== */

/* Takes the client at index 1 from its loop. Raises memory errors before it has. */
static void detach(lua_State *L) {
  if (lua_getiuservalue(L, 1, CBL_LOOP) != LUA_TNIL) {
    cbl_parking_push_parked(L, 1, false);
    cbl_client_unwatch(L, 1);
    lua_pushnil(L);
    lua_setiuservalue(L, 1, CBL_LOOP);
    cbl_parking_wake_parked(L);
  }
  lua_pop(L, 1);
}

int cbl_loop_attach(lua_State *L) {
  cbl_client *c = cbl_client_check(L, 1);
  if (!lua_istable(L, 2)) cbl_typeerror(L, 2, "loop", "a table of functions", 2);
  /* attach(require "…"): require returns a second value, the file's name. */
  cbl_checklast(L, lua_type(L, 3) == LUA_TSTRING ? 3 : 2);
  push_functions(L, 2);
  detach(L);
  lua_setiuservalue(L, 1, CBL_LOOP);
  if (c->live.core != NULL) cbc_client_host(c->live.core);
  return 0;
}

int cbl_loop_detach(lua_State *L) {
  cbl_checkself(L, CBL_CLIENT);
  cbl_checklast(L, 1);
  detach(L);
  return 0;
}

/* ==== Descriptor ======================================================= */

int cbl_loop_pollfd(lua_State *L) {
  const cbl_client *c = cbl_client_check(L, 1);
  cbc_error err;
  int fd;
  cbl_checklast(L, 1);
  cbc_client_host(c->live.core);
  fd = cbc_client_descriptor(c->live.core, &err);
  if (fd < 0) cbl_raise(L, &err);
  cbc_client_arm(c->live.core);
  lua_pushinteger(L, fd);
  return 1;
}

/* Waits for the descriptor. A signal ends the waiting. */
static void wait_for_descriptor(lua_State *L, const cbl_client *c, double seconds) {
  const cbc_env *env = cbc_client_env(c->live.core);
  struct pollfd p = {.events = POLLIN};
  cbc_error err;
  p.fd = cbc_client_descriptor(c->live.core, &err);
  if (p.fd < 0) cbl_raise(L, &err);
  cbc_client_host(c->live.core);
  cbc_client_arm(c->live.core);
  env->wait(env->ud, &p, 1, seconds < WAIT_MOST ? (int)ceil(seconds * 1e3) : WAIT_MOST * 1000);
}

static lua_Number check_seconds(lua_State *L, int arg) {
  lua_Number seconds = lua_type(L, arg) == LUA_TNUMBER ? lua_tonumber(L, arg) : -1;
  /* Nor is NaN. */
  if (!(seconds >= 0))
    cbl_argerror(L, arg,
                 lua_pushfstring(L, "seconds must be a number, 0 or more, got %s",
                                 luaL_tolstring(L, arg, NULL)));
  return seconds;
}

int cbl_loop_step(lua_State *L) {
  const cbl_client *c = cbl_checkself(L, CBL_CLIENT);
  cbl_checklast(L, 2);
  if (!lua_isnoneornil(L, 2)) {
    lua_Number seconds = check_seconds(L, 2);
    if (c->live.core != NULL && !cbc_client_closed(c->live.core))
      wait_for_descriptor(L, c, seconds);
  }
  cbl_parking_step(L, 1);
  return 0;
}

int cbl_loop_close(lua_State *L) {
  cbl_client *c = cbl_checkself(L, CBL_CLIENT);
  if (c->live.core == NULL) return 0;
  lua_settop(L, 1);
  cbl_parking_push_parked(L, 1, true);
  cbl_client_unwatch(L, 1);
  if (c->live.core != NULL) cbc_client_close(c->live.core);
  cbl_parking_wake_parked(L);
  return 0;
}

/* ==== For tasks ======================================================== */

int cbl_loop_waiting(lua_State *L) {
  bool task;
  cbl_checkself(L, CBL_CLIENT);
  lua_settop(L, 1);
  if (!cbl_parking_find(L, 1, &task)) return 0;
  lua_rawgeti(L, 2, CBL_LOOP_PARK);
  lua_rawgeti(L, 2, CBL_LOOP_WAKE);
  /* Tasks have none. */
  lua_rawgeti(L, 2, CBL_LOOP_WATCH);
  return 4;
}

int cbl_loop_unattached(lua_State *L) {
  lua_Integer n = 0;
  lua_newtable(L);
  for (const cbl_live *c = cbl_live_first(L); c != NULL; c = c->next) {
    if (cbl_live_push(L, c) == LUA_TNIL) {
      lua_pop(L, 1);
      continue;
    }
    if (lua_getiuservalue(L, -1, CBL_LOOP) == LUA_TNIL) {
      lua_pushvalue(L, -2);
      lua_rawseti(L, -4, ++n);
    }
    lua_pop(L, 2);
  }
  return 1;
}
