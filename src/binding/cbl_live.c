/*
** cbl_live.c - the live clients of a Lua state.
*/
#include "cbl_live.h"

#include <lauxlib.h>

#include "cbl_state.h"

void cbl_live_open(lua_State *L) {
  cbl_live **first;
  if (cbl_state_push(L, CBL_LIVE) == LUA_TNIL) {
    first = lua_newuserdatauv(L, sizeof *first, 1);
    *first = NULL;
    /* The clients by their addresses, for cbl_live_push. */
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_setiuservalue(L, -2, 1);
    cbl_state_set(L, CBL_LIVE);
  }
  lua_pop(L, 1);
}

/* Its memory is the registry's. */
static cbl_live **head(lua_State *L) {
  cbl_live **first;
  cbl_state_push(L, CBL_LIVE);
  first = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return first;
}

void cbl_live_enter(lua_State *L, int client) {
  cbl_live *c = lua_touserdata(L, client);
  cbl_live **first = head(L);
  if (c->parked == 0) {
    cbl_state_push(L, CBL_LIVE);
    lua_getiuservalue(L, -1, 1);
    lua_pushvalue(L, client);
    lua_rawsetp(L, -2, c);
    lua_pop(L, 2);
  }
  /* That may have run a finalizer with calls of its own. */
  if (c->parked++ > 0) return;
  c->next = *first;
  c->link = first;
  if (c->next != NULL) c->next->link = &c->next;
  *first = c;
}

void cbl_live_leave(cbl_live *c, bool all) {
  if (c->parked == 0) return;
  c->parked = all ? 0 : c->parked - 1;
  if (c->parked > 0) return;
  *c->link = c->next;
  if (c->next != NULL) c->next->link = c->link;
}

cbl_live *cbl_live_first(lua_State *L) {
  return *head(L);
}

int cbl_live_push(lua_State *L, const cbl_live *c) {
  int type;
  cbl_state_push(L, CBL_LIVE);
  lua_getiuservalue(L, -1, 1);
  type = lua_rawgetp(L, -1, c);
  lua_replace(L, -3);
  lua_pop(L, 1);
  return type;
}
