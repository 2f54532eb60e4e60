/*
** json_fuzz.c - cbl_json_decode and cbc_outline_read, held against lua-cjson by itself:
** what the bridge decodes is JSON to lua-cjson too, and the same but for how
** numbers are kept; and what the scanner calls plain decodes to the fields that
** it found.
*/
#include "cbl_json.h"

#include "cbc_outline.h"
#include "luastate.h"

/* Pushes what a lua-cjson of the target's own makes of the string at 1; false,
** pushing nothing, when it is no JSON to it. */
static bool decode_alone(lua_State *L) {
  static const char key = 0;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &key) != LUA_TFUNCTION) {
    lua_pop(L, 1);
    if (luaL_dostring(L, "local c = require('cjson').new() c.decode_max_depth(1000) "
                         "c.decode_invalid_numbers(false) return c.decode") != LUA_OK)
      lua_error(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
  }
  lua_pushvalue(L, 1);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK) return true;
  lua_pop(L, 1);
  return false;
}

static void compare(lua_State *L, int a, int b);

static int count_entries(lua_State *L, int table) {
  int count = 0;
  for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1))
    count++;
  return count;
}

/* Every entry of table a is in table b, and the same; and b has no other. */
static void compare_tables(lua_State *L, int a, int b) {
  luaL_checkstack(L, 10, "deep");
  MUST(count_entries(L, a) == count_entries(L, b));
  lua_pushnil(L);
  while (lua_next(L, a) != 0) {
    lua_pushvalue(L, -2);
    lua_rawget(L, b);
    compare(L, lua_gettop(L) - 1, lua_gettop(L));
    lua_pop(L, 2);
  }
}

/* The value at a is the bridge's, that at b lua-cjson's. */
static void compare(lua_State *L, int a, int b) {
  MUST(lua_type(L, a) == lua_type(L, b));
  switch (lua_type(L, a)) {
  case LUA_TNUMBER:
    MUST(lua_tonumber(L, a) == lua_tonumber(L, b));
    break;
  case LUA_TTABLE:
    compare_tables(L, a, b);
    break;
  default:
    MUST(lua_rawequal(L, a, b));
  }
}

static cbc_member_kind kind_of(lua_State *L, int idx) {
  switch (lua_type(L, idx)) {
  case LUA_TSTRING:
    return CBC_MEMBER_STRING;
  case LUA_TNUMBER:
    return CBC_MEMBER_NUMBER;
  case LUA_TBOOLEAN:
    return lua_toboolean(L, idx) ? CBC_MEMBER_TRUE : CBC_MEMBER_FALSE;
  case LUA_TLIGHTUSERDATA:
    return CBC_MEMBER_NULL;
  default:
    return CBC_MEMBER_OTHER;
  }
}

/* The field that the outline has for the name at the top of the stack is the
** value below it. */
static void compare_field(lua_State *L, const cbc_outline *o, const char *s, int value) {
  size_t n, text_size;
  const char *name = lua_tolstring(L, -1, &n), *text;
  const cbc_member *f = cbc_outline_find(o, s, name, n);
  MUST(f != NULL);
  MUST(cbc_member_kind_of(f, s) == kind_of(L, value));
  if (lua_type(L, value) == LUA_TSTRING) {
    text = lua_tolstring(L, value, &text_size);
    MUST(f->value_size == text_size + 2 && memcmp(s + f->value + 1, text, text_size) == 0);
  } else if (lua_type(L, value) == LUA_TNUMBER) {
    MUST(strtod(s + f->value, NULL) == lua_tonumber(L, value));
  }
}

/* The decoded value is at the top of the stack. */
static void compare_outline(lua_State *L, const cbc_outline *o, const char *s) {
  int object = lua_gettop(L);
  MUST(lua_istable(L, object));
  lua_pushnil(L);
  while (lua_next(L, object) != 0) {
    MUST(lua_type(L, -2) == LUA_TSTRING);
    lua_pushvalue(L, -2);
    compare_field(L, o, s, lua_gettop(L) - 1);
    lua_pop(L, 2);
  }
  for (unsigned i = 0; i < o->count; i++) {
    lua_pushlstring(L, s + o->members[i].name, o->members[i].name_size);
    MUST(lua_rawget(L, object) != LUA_TNIL);
    lua_pop(L, 1);
  }
}

/* A text that is plainly a list of objects decodes to as many. `decoded`: the value at
** index 2 is what the text decodes to. */
static void compare_list(lua_State *L, cbc_outline *o, const char *s, size_t n, bool decoded) {
  cbc_outline_list list;
  lua_Integer count = 0;
  cbc_outline_open(&list, s, n);
  while (cbc_outline_next(&list, o)) {
    count++;
    if (!decoded || !lua_istable(L, 2)) continue;
    if (lua_rawgeti(L, 2, count) == LUA_TTABLE && cbc_outline_ended(&list))
      compare_outline(L, o, s);
    lua_pop(L, 1);
  }
  if (!cbc_outline_ended(&list)) return;
  MUST(decoded && lua_istable(L, 2) && (lua_Integer)lua_rawlen(L, 2) == count);
}

static int check(lua_State *L) {
  cbc_outline *o = malloc(sizeof *o + CBC_MEMBERS_MOST * sizeof(cbc_member));
  size_t n;
  const char *s = lua_tolstring(L, 1, &n);
  bool plain, decoded;
  if (o == NULL) abort();
  plain = cbc_outline_read(s, n, o);
  decoded = cbl_json_decode(L);
  MUST(lua_gettop(L) == 2);
  compare_list(L, o, s, n, decoded);
  if (!decoded) {
    size_t size;
    MUST(!plain);
    MUST(lua_type(L, 2) == LUA_TSTRING && lua_tolstring(L, 2, &size) != NULL && size > 0);
  } else {
    if (plain) compare_outline(L, o, s);
    MUST(decode_alone(L));
    compare(L, 2, 3);
  }
  free(o);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  protected_call(check, data, size);
  return 0;
}
