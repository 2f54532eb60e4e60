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

/* Pops a loop, or nil, and makes it that of the client at index 1; ends the watch of the
** one before. False when out of memory: nothing is changed. */
static bool set_loop(lua_State *L) {
  lua_getiuservalue(L, 1, CBL_LOOP);
  lua_insert(L, -2);
  lua_setiuservalue(L, 1, CBL_LOOP);
  if (!lua_isnil(L, -1)) {
    lua_pushvalue(L, -1);
    if (!cbl_client_end_watch(L, 1)) {
      lua_setiuservalue(L, 1, CBL_LOOP);
      return false;
    }
  }
  lua_pop(L, 1);
  return true;
}

/* The same. Everybody whose call is parked is taken out, to wait as the new loop says:
** cbl_parking_wake_owed is to follow. Raises memory errors. */
static void change_loop(lua_State *L) {
  cbl_parking_release(L, 1);
  if (set_loop(L)) return;
  cbl_parking_wake_owed(L);
  cbl_raise_nomem(L);
}

int cbl_loop_attach(lua_State *L) {
  cbl_client *c = cbl_client_check(L, 1);
  if (!lua_istable(L, 2)) cbl_typeerror(L, 2, "loop", "a table of functions", 2);
  /* attach(require "…"): require returns a second value, the file's name. */
  cbl_checklast(L, lua_type(L, 3) == LUA_TSTRING ? 3 : 2);
  push_functions(L, 2);
  change_loop(L);
  if (c->live.core != NULL) cbc_client_host(c->live.core);
  cbl_parking_wake_owed(L);
  return 0;
}

int cbl_loop_detach(lua_State *L) {
  cbl_checkself(L, CBL_CLIENT);
  cbl_checklast(L, 1);
  lua_pushnil(L);
  change_loop(L);
  cbl_parking_wake_owed(L);
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

/* Lua code that runs while a watch is being ended (the loop's, a debug hook) closes the
** client: the watch is ended before that, too. */
static void finish_watch(lua_State *L) {
  if (lua_getiuservalue(L, 1, CBL_ENDING) == LUA_TFUNCTION) {
    lua_pushnil(L);
    lua_setiuservalue(L, 1, CBL_ENDING);
    if (cbl_callquietly(L, 0) == LUA_ERRMEM) cbl_raise_nomem(L);
  } else {
    lua_pop(L, 1);
  }
}

int cbl_loop_close(lua_State *L) {
  const cbl_client *c = cbl_checkself(L, CBL_CLIENT);
  lua_settop(L, 1);
  if (c->live.core == NULL) return 0;
  lua_pushnil(L);
  change_loop(L);
  finish_watch(L);
  cbc_client_close(c->live.core);
  /* Who parked while the watch was ended. */
  cbl_parking_release(L, 1);
  cbl_parking_wake_owed(L);
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

/* True when the client at the top of the stack has a loop in which its calls wait. */
static bool is_attached(lua_State *L) {
  bool attached = false;
  if (lua_getiuservalue(L, -1, CBL_LOOP) != LUA_TNIL) {
    attached = lua_rawgeti(L, -1, CBL_LOOP_TOKEN) == LUA_TFUNCTION;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return attached;
}

int cbl_loop_unattached(lua_State *L) {
  lua_Integer n = 0;
  lua_newtable(L);
  for (const cbl_live *c = cbl_live_first(L); c != NULL; c = c->next) {
    if (cbl_live_push(L, c) != LUA_TNIL && !is_attached(L))
      lua_rawseti(L, -2, ++n);
    else
      lua_pop(L, 1);
  }
  return 1;
}

int cbl_loop_lend(lua_State *L) {
  const cbl_client *c = cbl_checkself(L, CBL_CLIENT);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  lua_createtable(L, CBL_LOOP_SIZE, 0);
  for (int i = CBL_LOOP_TOKEN; i <= CBL_LOOP_SIZE; i++) {
    lua_pushboolean(L, false);
    lua_rawseti(L, 3, i);
  }
  lua_pushvalue(L, 2);
  lua_rawseti(L, 3, CBL_LOOP_WATCH);
  lua_pushvalue(L, 1);
  if (is_attached(L)) return 0;
  lua_settop(L, 3);
  if (!set_loop(L)) cbl_raise_nomem(L);
  if (c->live.core != NULL) cbc_client_host(c->live.core);
  cbl_parking_watch(L, 1);
  return 0;
}

int cbl_loop_take_back(lua_State *L) {
  cbl_checkself(L, CBL_CLIENT);
  lua_settop(L, 1);
  if (is_attached(L)) return 0;
  lua_pushnil(L);
  if (!set_loop(L)) cbl_raise_nomem(L);
  return 0;
}
