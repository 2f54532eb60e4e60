/*
** cbl_parking.c - calls that wait parked.
*/
#include "cbl_parking.h"

#include "cbl_aux.h"
#include "cbl_client.h"
#include "cbl_state.h"

/* One of those who are still to be woken: places in a list. */
enum { OWED_WAKE = 1, OWED_TOKEN, OWED_NEXT };

/* ==== Where ============================================================ */

/* Pushes the token of the running coroutine, if it is a task, by the functions of tasks
** at the top of the stack. */
static void push_task(lua_State *L) {
  lua_rawgeti(L, -1, CBL_LOOP_TOKEN);
  lua_pushthread(L);
  lua_rawget(L, -2);
  lua_remove(L, -2);
}

/* True when the client's loop is the one at index idx. */
static bool is_loop(lua_State *L, int client, int idx) {
  bool is;
  lua_pushvalue(L, idx);
  lua_getiuservalue(L, client, CBL_LOOP);
  is = lua_rawequal(L, -1, -2) != 0;
  lua_pop(L, 2);
  return is;
}

bool cbl_parking_find(lua_State *L, int client, bool *task) {
  int top = lua_gettop(L);
  if (!lua_isyieldable(L)) return false;
  *task = true;
  if (cbl_state_push(L, CBL_TASKS) != LUA_TNIL) {
    push_task(L);
    if (!lua_isnil(L, -1)) return true;
  }
  lua_settop(L, top);
  *task = false;
  if (lua_getiuservalue(L, client, CBL_LOOP) != LUA_TNIL &&
      lua_rawgeti(L, -1, CBL_LOOP_TOKEN) == LUA_TFUNCTION) {
    lua_call(L, 0, 1);
    /* It is the host's, and may have detached the client. */
    if (!lua_isnil(L, -1) && is_loop(L, client, -2)) return true;
  }
  lua_settop(L, top);
  return false;
}

/* ==== Watching ========================================================= */

/* Upvalue: the client, which stays as long as it is watched. */
static int on_readable(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  cbl_parking_step(L, lua_gettop(L));
  return 0;
}

/* Pushes the loop that is to watch the client: it has one that does not yet, and calls
** are parked; false, pushing nothing, when there is none. */
static bool push_loop_to_watch(lua_State *L, int client) {
  const cbl_live *c = lua_touserdata(L, client);
  if (c->parked == 0 || c->core == NULL || cbc_client_closed(c->core)) return false;
  if (lua_getiuservalue(L, client, CBL_LOOP) != LUA_TNIL) {
    bool watched = lua_rawgeti(L, -1, CBL_LOOP_UNWATCH) == LUA_TFUNCTION;
    lua_pop(L, 1);
    if (!watched) return true;
  }
  lua_pop(L, 1);
  return false;
}

/* (client): has its loop watch it. Before each return of a function that is not ours,
** the loop may be another one. */
static int watch(lua_State *L) {
  const cbl_live *c = lua_touserdata(L, 1);
  cbc_error err;
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, on_readable, 1);
  if (!push_loop_to_watch(L, 1)) return 0;
  lua_rawgeti(L, 3, CBL_LOOP_WATCH);
  lua_pushinteger(L, cbc_client_descriptor(c->core, &err));
  lua_pushvalue(L, 2);
  lua_call(L, 2, 1);
  if (lua_type(L, -1) != LUA_TFUNCTION)
    luaL_error(L, "the loop's watch must return a function, got %s", luaL_typename(L, -1));
  lua_insert(L, 3);
  if (push_loop_to_watch(L, 1) && lua_rawequal(L, -1, -2)) {
    lua_pushvalue(L, 3);
    lua_rawseti(L, -2, CBL_LOOP_UNWATCH);
  } else {
    lua_settop(L, 3);
    cbl_callquietly(L, 0);
  }
  return 0;
}

/* The descriptor is watched as long as calls are parked, so that a loop ends by itself
** when it has nothing else to do. Returns lua_pcall's status, with an error at the top. */
static int begin_watch(lua_State *L, int client) {
  if (!push_loop_to_watch(L, client)) return LUA_OK;
  lua_pop(L, 1);
  lua_pushcfunction(L, watch);
  lua_pushvalue(L, client);
  return lua_pcall(L, 1, 0, 0);
}

void cbl_parking_watch(lua_State *L, int client) {
  const cbl_live *c = lua_touserdata(L, client);
  if (begin_watch(L, client) != LUA_OK) lua_error(L);
  if (c->core != NULL) cbc_client_arm(c->core);
}

/* ==== Entering and leaving ============================================= */

/* Pushes the token of a call; false, pushing nothing, when it is not parked. */
static bool push_kept_token(lua_State *L, int client, const cbc_call *call) {
  bool kept;
  lua_getiuservalue(L, client, CBL_PARKED);
  kept = lua_rawgetp(L, -1, call) != LUA_TNIL;
  lua_remove(L, -2);
  if (!kept) lua_pop(L, 1);
  return kept;
}

/* Registers the call, whose token is at the top of the stack. The descriptor is open.
** False when there is nothing to wait for. */
static bool enter(lua_State *L, int client, cbc_call *call, bool task) {
  cbc_error err;
  cbc_code rc;
  cbl_live_prepare(L, client);
  lua_getiuservalue(L, client, CBL_PARKED);
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, call);
  lua_pop(L, 1);
  /* From here on nothing is raised. */
  cbl_live_enter(lua_touserdata(L, client));
  rc = cbc_call_park(call, task, &err);
  if (rc == CBC_OK) return true;
  cbl_parking_leave(L, client, call);
  if (rc == CBC_ENOMEM) cbl_raise(L, &err);
  return false;
}

bool cbl_parking_enter(lua_State *L, int client, cbc_call *call) {
  const cbl_live *c = lua_touserdata(L, client);
  int top = lua_gettop(L);
  cbc_error err;
  bool task;
  int fd;
  if (!cbl_parking_find(L, client, &task)) return false;
  fd = cbc_client_descriptor(call->client, &err);
  if (fd < 0 && err.code == CBC_ENOMEM) cbl_raise(L, &err);
  /* Where the system has no descriptor left, the call blocks. */
  if (fd < 0 || !enter(L, client, call, task)) {
    lua_settop(L, top);
    return false;
  }
  if (begin_watch(L, client) != LUA_OK) {
    cbl_parking_leave(L, client, call);
    lua_error(L);
  }
  if (c->core != NULL) cbc_client_arm(c->core);
  lua_rawgeti(L, -2, CBL_LOOP_PARK);
  lua_replace(L, -3);
  return true;
}

void cbl_parking_leave(lua_State *L, int client, cbc_call *call) {
  cbl_live *c = lua_touserdata(L, client);
  if (c->parked == 0 || !push_kept_token(L, client, call)) return;
  lua_pop(L, 1);
  cbc_call_unpark(call);
  lua_getiuservalue(L, client, CBL_PARKED);
  lua_pushnil(L);
  lua_rawsetp(L, -2, call);
  lua_pop(L, 1);
  cbl_live_leave(c, false);
  if (c->parked == 0) cbl_client_unwatch(L, client);
}

/* ==== Waking =========================================================== */

/* Pushes the function that wakes tasks, or those in the client's loop; false,
** pushing nothing, when there is none any more. */
static bool push_wake(lua_State *L, int client, bool task) {
  int type = task ? cbl_state_push(L, CBL_TASKS) : lua_getiuservalue(L, client, CBL_LOOP);
  if (type == LUA_TNIL) {
    lua_pop(L, 1);
    return false;
  }
  lua_rawgeti(L, -1, CBL_LOOP_WAKE);
  lua_remove(L, -2);
  return true;
}

/* Pushes wake and the token of a call that can go on, and returns the call; NULL when
** there is none. */
static cbc_call *push_next(lua_State *L, int client, bool task) {
  const cbl_live *c = lua_touserdata(L, client);
  cbc_call *call;
  while (c->core != NULL && (call = cbc_call_next_parked(c->core, task)) != NULL) {
    if (!push_wake(L, client, task)) continue;
    if (push_kept_token(L, client, call)) return call;
    lua_pop(L, 1);
  }
  return NULL;
}

/* Calls wake with the token of the call; both are at the top of the stack. Returns
** lua_pcall's status, with the error at the top. Out of memory it may not have been
** done: the call can go on as before. */
static int wake(lua_State *L, int client, cbc_call *call) {
  int status = lua_pcall(L, 1, 0, 0);
  if (status == LUA_ERRMEM && push_kept_token(L, client, call)) {
    lua_pop(L, 1);
    cbc_call_wake(call);
  }
  return status;
}

/* Pops one who is still to be woken, and puts it before the others. Raises nothing. */
static void owe(lua_State *L) {
  cbl_state_push(L, CBL_OWED);
  lua_rawseti(L, -2, OWED_NEXT);
  cbl_state_set(L, CBL_OWED);
}

/* Wakes those who can go on; at most for a while, as a wake that resumes a coroutine
** may let others go on, and so forth. The descriptor stays readable for the rest. */
static void wake_ready(lua_State *L, int client) {
  const cbl_live *c = lua_touserdata(L, client);
  int top = lua_gettop(L);
  int status = LUA_OK;
  bool enough = false;
  for (int task = 0; task < 2; task++) {
    cbc_call *call;
    while (!enough && (call = push_next(L, client, task != 0)) != NULL) {
      int last = wake(L, client, call);
      enough = last == LUA_ERRMEM || (c->core != NULL && cbc_client_overstays(c->core));
      if (last == LUA_OK) continue;
      status = last;
      lua_settop(L, top + 1);
    }
  }
  if (c->core != NULL) cbc_client_arm(c->core);
  if (status != LUA_OK) lua_error(L);
}

void cbl_parking_wake_owed(lua_State *L) {
  while (cbl_state_push(L, CBL_OWED) != LUA_TNIL) {
    int owed = lua_gettop(L);
    lua_rawgeti(L, owed, OWED_NEXT);
    cbl_state_set(L, CBL_OWED);
    lua_rawgeti(L, owed, OWED_WAKE);
    lua_rawgeti(L, owed, OWED_TOKEN);
    if (cbl_callquietly(L, 1) == LUA_ERRMEM) {
      owe(L);
      cbl_raise_nomem(L);
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

void cbl_parking_step(lua_State *L, int client) {
  const cbl_live *c = lua_touserdata(L, client);
  cbc_error err;
  cbc_code rc = c->core != NULL ? cbc_client_step(c->core, &err) : CBC_OK;
  wake_ready(L, client);
  cbl_parking_wake_owed(L);
  if (rc == CBC_ENOMEM) cbl_raise(L, &err);
}

/* Wakes the tasks with calls of the client at the top of the stack that can go on, and pops
** it. Returns whether there were any. */
static bool wake_tasks_of(lua_State *L) {
  int client = lua_gettop(L);
  bool any = false;
  cbc_call *call;
  while (!lua_isnil(L, client) && (call = push_next(L, client, true)) != NULL) {
    any = true;
    if (wake(L, client, call) != LUA_OK) lua_error(L);
  }
  lua_pop(L, 1);
  return any;
}

void cbl_parking_wake_tasks(lua_State *L) {
  const cbl_live *c;
  cbl_parking_wake_owed(L);
  c = cbl_live_first(L);
  while (c != NULL) {
    cbl_live_push(L, c);
    /* Where Lua code ran, it may have changed the list. */
    c = wake_tasks_of(L) ? cbl_live_first(L) : c->next;
  }
}

/* Pushes a chain of as many lists as calls of the client are parked, for those who are to
** be woken: what follows is not to allocate. */
static void push_chain(lua_State *L, const cbl_live *c) {
  lua_pushnil(L);
  /* Lua code may run here, and change the number. */
  for (size_t n = 0; n < c->parked; n++) {
    lua_createtable(L, OWED_NEXT, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, OWED_NEXT);
  }
}

void cbl_parking_release(lua_State *L, int client) {
  cbl_live *c = lua_touserdata(L, client);
  int chain = lua_gettop(L) + 1, parked = chain + 1;
  push_chain(L, c);
  lua_getiuservalue(L, client, CBL_PARKED);
  for (lua_pushnil(L); lua_next(L, parked) != 0; lua_settop(L, parked + 1)) {
    cbc_call *call = lua_touserdata(L, parked + 1);
    lua_pushvalue(L, chain);
    lua_rawgeti(L, -1, OWED_NEXT);
    lua_replace(L, chain);
    lua_pushvalue(L, parked + 2);
    lua_rawseti(L, -2, OWED_TOKEN);
    push_wake(L, client, call->waiter.task);
    lua_rawseti(L, -2, OWED_WAKE);
    owe(L);
    lua_pushnil(L);
    lua_rawsetp(L, parked, call);
    cbc_call_unpark(call);
  }
  cbl_live_leave(c, true);
  lua_settop(L, chain - 1);
}
