/*
** cbl_live.c - the live clients of a Lua state.
*/
#include "cbl_live.h"

#include <lauxlib.h>

#include "cbl_state.h"

void cbl_live_open(lua_State *L) {
  if (cbl_state_push(L, CBL_LIVE) == LUA_TNIL) {
    cbl_live_list *list = lua_newuserdatauv(L, sizeof *list, 1);
    list->first = NULL;
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
static cbl_live_list *list_of(lua_State *L) {
  cbl_live_list *list;
  cbl_state_push(L, CBL_LIVE);
  list = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return list;
}

void cbl_live_init(lua_State *L, cbl_live *c) {
  *c = (cbl_live){.list = list_of(L)};
}

void cbl_live_prepare(lua_State *L, int client) {
  const cbl_live *c = lua_touserdata(L, client);
  if (c->parked > 0) return;
  /* Each time: a client that is to be finalized has been taken out. */
  cbl_state_push(L, CBL_LIVE);
  lua_getiuservalue(L, -1, 1);
  lua_pushvalue(L, client);
  lua_rawsetp(L, -2, c);
  lua_pop(L, 2);
}

void cbl_live_enter(cbl_live *c) {
  if (c->parked++ > 0) return;
  c->next = c->list->first;
  c->link = &c->list->first;
  if (c->next != NULL) c->next->link = &c->next;
  c->list->first = c;
}

void cbl_live_leave(cbl_live *c, bool all) {
  if (c->parked == 0) return;
  c->parked = all ? 0 : c->parked - 1;
  if (c->parked > 0) return;
  *c->link = c->next;
  if (c->next != NULL) c->next->link = c->link;
}

cbl_live *cbl_live_first(lua_State *L) {
  return list_of(L)->first;
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
