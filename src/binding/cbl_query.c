/*
** cbl_query.c - what a caller gives for a query.
*/
#include "cbl_query.h"

#include "cbc_url.h"
#include "cbl_aux.h"
#include "cbl_shared.h"

/* Calls the writer of filters, which raises what is wrong with them. */
static void write_filter(lua_State *L, int arg, int idx, int options) {
  int status;
  if (cbl_shared_push(L, CBL_FILTER_WRITER) != LUA_TFUNCTION)
    cbl_argerror(L, arg, "a filter other than a query string needs the module cloudblue.connect");
  lua_pushvalue(L, idx);
  if (options != 0 && !lua_isnone(L, options))
    lua_pushvalue(L, options);
  else
    lua_pushnil(L);
  status = lua_pcall(L, 2, 1, 0);
  if (status == LUA_OK) return;
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING)
    cbl_argerror(L, arg, lua_tostring(L, -1));
  lua_error(L);
}

bool cbl_query_push(lua_State *L, int arg, int idx, int options) {
  cbc_error err;
  size_t n;
  const char *query;
  bool has_options = options != 0 && !lua_isnoneornil(L, options);
  if (lua_isnoneornil(L, idx) && !has_options) return false;
  if (lua_type(L, idx) == LUA_TSTRING && !has_options)
    lua_pushvalue(L, idx);
  else
    write_filter(L, arg, idx, options);
  query = luaL_checklstring(L, -1, &n);
  if (cbc_url_check_query(query, n, &err) != CBC_OK)
    cbl_argerror(L, arg, lua_pushfstring(L, "the query %s", err.message));
  if (n > 0) return true;
  lua_pop(L, 1);
  return false;
}
