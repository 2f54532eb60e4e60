/*
** cbl_query.c - what a caller passes for a query.
*/
#include "cbl_query.h"

#include "cbc_url.h"
#include "cbl_aux.h"
#include "cbl_check.h"
#include "cbl_state.h"

/* Replaces the query at the top of the stack with what a URL carries of it.
** False, with a message that begins with what is wrong, where it is no query. */
static bool encode(lua_State *L, cbc_error *err) {
  luaL_Buffer b;
  size_t n, size;
  const char *s = lua_tolstring(L, -1, &n);
  if (!cbl_check_utf8(s, n)) {
    cbc_error_set(err, CBC_EARG, "is not UTF-8");
    return false;
  }
  if (cbc_url_check_query(s, n, err) != CBC_OK) return false;
  size = cbc_url_encode_query(s, n, luaL_buffinitsize(L, &b, 3 * n));
  luaL_pushresultsize(&b, size);
  lua_remove(L, -2);
  return true;
}

/* Calls the writer of filters, and raises what is wrong with them. */
static void write_filter(lua_State *L, int arg, int idx, int options) {
  bool has_options = options != 0 && !lua_isnone(L, options);
  if (cbl_state_push(L, CBL_FILTER_WRITER) != LUA_TFUNCTION)
    cbl_argerror(L, arg, "a filter other than a query string needs the module cloudblue.connect");
  lua_pushvalue(L, idx);
  if (has_options)
    lua_pushvalue(L, options);
  else
    lua_pushnil(L);
  lua_call(L, 2, 3);
  if (lua_type(L, -3) != LUA_TSTRING) {
    bool of_options = has_options && lua_tointeger(L, -2) == 2;
    cbl_argerror(L, of_options ? options : arg, luaL_tolstring(L, -1, NULL));
  }
  lua_pop(L, 2);
}

bool cbl_query_push(lua_State *L, int arg, int idx, int options) {
  cbc_error err;
  bool has_options = options != 0 && !lua_isnoneornil(L, options);
  if (lua_isnoneornil(L, idx) && !has_options) return false;
  if (lua_type(L, idx) == LUA_TSTRING && !has_options)
    lua_pushvalue(L, idx);
  else
    write_filter(L, arg, idx, options);
  if (!encode(L, &err)) cbl_argerror(L, arg, lua_pushfstring(L, "the query %s", err.message));
  if (lua_rawlen(L, -1) > 0) return true;
  lua_pop(L, 1);
  return false;
}

int cbl_query_encode(lua_State *L) {
  cbc_error err;
  luaL_checktype(L, 1, LUA_TSTRING);
  lua_settop(L, 1);
  if (encode(L, &err)) return 1;
  lua_pushnil(L);
  lua_pushfstring(L, "the query %s", err.message);
  return 2;
}
