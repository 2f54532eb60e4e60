/*
** utf8_fuzz.c - cbl_check_utf8, held against the utf8 library of Lua 5.4.
*/
#include "cbl_check.h"
#include "luastate.h"

static int compare(lua_State *L) {
  size_t n;
  const char *s = lua_tolstring(L, 1, &n);
  lua_getglobal(L, "utf8");
  lua_getfield(L, -1, "len");
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  MUST(cbl_check_utf8(s, n) == !lua_isnil(L, -1));
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  protected_call(compare, data, size);
  return 0;
}
