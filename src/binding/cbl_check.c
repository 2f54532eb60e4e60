/*
** cbl_check.c - a JSON body, checked before anything is sent.
**
** The path to the present value is a linked list on the C stack: it finds cycles,
** and messages name the place by it.
*/
#include "cbl_check.h"

#include <math.h>

#include "cbc_header.h"
#include "cbl_aux.h"
#include "cbl_json.h"
#include "cbl_state.h"

/* Deepest nesting of a body. */
#define DEPTH_MOST 100

/* One table on the path; its key stands on the Lua stack. */
typedef struct place {
  const struct place *above;
  const void *table; /* identity */
  int key;           /* stack index of the key under which we went on, 0 at the end */
  int depth;
} place;

static void add_path(lua_State *L, luaL_Buffer *b, const place *p) {
  if (p == NULL) return;
  add_path(L, b, p->above);
  if (p->key == 0) return;
  if (lua_type(L, p->key) == LUA_TSTRING) {
    luaL_addchar(b, '.');
    luaL_addstring(b, lua_tostring(L, p->key));
  } else {
    lua_pushfstring(L, "[%I]", lua_tointeger(L, p->key));
    luaL_addvalue(b);
  }
}

/* Raises "bad argument #arg (body.path what)". */
static void refuse(lua_State *L, int arg, const place *p, const char *what) {
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  luaL_addstring(&b, "body");
  add_path(L, &b, p);
  luaL_addchar(&b, ' ');
  luaL_addstring(&b, what);
  luaL_pushresult(&b);
  cbl_argerror(L, arg, lua_tostring(L, -1));
}

static size_t utf8_size(const unsigned char *s, size_t n) {
  static const unsigned char least[] = {0, 0, 0xC2, 0xE0, 0xF0};
  size_t size = s[0] < 0x80 ? 1 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
  if (size == 1) return 1;
  if (s[0] < least[size] || s[0] > 0xF4 || size > n) return 0;
  for (size_t i = 1; i < size; i++)
    if ((s[i] & 0xC0) != 0x80) return 0;
  /* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
  if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
      (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
    return 0;
  return size;
}

bool cbl_check_utf8(const char *s, size_t n) {
  size_t i = 0;
  while (i < n) {
    size_t size = utf8_size((const unsigned char *)s + i, n - i);
    if (size == 0) return false;
    i += size;
  }
  return true;
}

static void check_number(lua_State *L, int arg, const place *p) {
  lua_Number n = lua_tonumber(L, -1);
  if (isnan(n)) refuse(L, arg, p, "is NaN, which JSON can't carry");
  if (isinf(n)) refuse(L, arg, p, "is infinite, which JSON can't carry");
  if (!cbl_json_exact(L, -1))
    refuse(L, arg, p, "has more digits than lua-cjson writes exactly; pass it as a string");
}

static void check_null(lua_State *L, int arg, const place *p) {
  cbl_state_push(L, CBL_NULL);
  if (!lua_rawequal(L, -1, -2)) refuse(L, arg, p, "is a userdata, which JSON can't carry");
  lua_pop(L, 1);
}

static void check_value(lua_State *L, int arg, const place *p);

/* What kind of keys a table has so far. */
typedef enum keys { NO_KEYS, LIST_KEYS, OBJECT_KEYS } keys;

/* The kind that the key at the top of the stack makes it. */
static keys check_key(lua_State *L, int arg, const place *p, keys before) {
  keys kind = lua_type(L, -1) == LUA_TSTRING ? OBJECT_KEYS : LIST_KEYS;
  if (kind == LIST_KEYS && (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 1))
    refuse(L, arg, p, "has a key that is neither a string nor a position in a list");
  if (before != NO_KEYS && before != kind) refuse(L, arg, p, "mixes list positions and names");
  if (kind == OBJECT_KEYS) {
    size_t n;
    const char *s = lua_tolstring(L, -1, &n);
    if (!cbl_check_utf8(s, n)) refuse(L, arg, p, "has a key that is not UTF-8");
  }
  return kind;
}

/* True when the table at the top of the stack is a list to lua-cjson, whatever
** its keys are: it has the metatable of the lists that it decodes. */
static bool is_marked_list(lua_State *L) {
  bool marked = false;
  if (!lua_getmetatable(L, -1)) return false;
  for (cbl_place of = CBL_ARRAY_MT; of <= CBL_EMPTY_ARRAY_MT && !marked; of++) {
    cbl_state_push(L, of);
    marked = lua_rawequal(L, -1, -2);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return marked;
}

static void check_entries(lua_State *L, int arg, place *here) {
  lua_Integer count = 0, highest = 0;
  keys kind = NO_KEYS;
  lua_pushnil(L);
  while (lua_next(L, -2) != 0) {
    lua_pushvalue(L, -2);
    here->key = 0;
    kind = check_key(L, arg, here, kind);
    if (kind == LIST_KEYS && lua_tointeger(L, -1) > highest) highest = lua_tointeger(L, -1);
    lua_pop(L, 1);
    count++;
    here->key = lua_gettop(L) - 1;
    check_value(L, arg, here);
    lua_pop(L, 1);
  }
  here->key = 0;
  if (kind == LIST_KEYS && highest != count)
    refuse(L, arg, here, "is a list with holes; use connect.null for an absent value");
  if (kind == OBJECT_KEYS && is_marked_list(L))
    refuse(L, arg, here,
           "has names, but the metatable of lua-cjson's lists: it would be sent as []");
}

static void check_table(lua_State *L, int arg, const place *above) {
  place here = {
      .above = above, .table = lua_topointer(L, -1), .depth = above ? above->depth + 1 : 1};
  for (const place *p = above; p != NULL; p = p->above)
    if (p->table == here.table)
      refuse(L, arg, above, "refers back to a table it stands in (a cycle)");
  if (here.depth > DEPTH_MOST) refuse(L, arg, above, "is nested deeper than 100 levels");
  luaL_checkstack(L, 8, "body nested too deep");
  if (luaL_getmetafield(L, -1, "__len") != LUA_TNIL)
    refuse(L, arg, above, "has a length of its own (__len), which lua-cjson may go by");
  check_entries(L, arg, &here);
}

/* The value is at the top of the stack. */
static void check_value(lua_State *L, int arg, const place *p) {
  size_t n;
  const char *s;
  switch (lua_type(L, -1)) {
  case LUA_TBOOLEAN:
    return;
  case LUA_TNUMBER:
    check_number(L, arg, p);
    return;
  case LUA_TSTRING:
    s = lua_tolstring(L, -1, &n);
    if (!cbl_check_utf8(s, n)) refuse(L, arg, p, "is not UTF-8");
    return;
  case LUA_TTABLE:
    check_table(L, arg, p);
    return;
  case LUA_TLIGHTUSERDATA:
    check_null(L, arg, p);
    return;
  case LUA_TFUNCTION:
    refuse(L, arg, p, "is a function, which JSON can't carry");
    return;
  default:
    lua_pushfstring(L, "is a %s, which JSON can't carry", luaL_typename(L, -1));
    refuse(L, arg, p, lua_tostring(L, -1));
  }
}

void cbl_check_body(lua_State *L, int arg, int idx) {
  lua_pushvalue(L, idx);
  check_value(L, arg, NULL);
  lua_pop(L, 1);
}

const char *cbl_check_billing(const char *s, size_t n, bool is_id) {
  if (!cbl_check_utf8(s, n)) return "is not UTF-8";
  return is_id && n == 0 ? "is empty; pass nil to close without one" : NULL;
}

/* A string without NUL bytes: file names go to the operating system. */
const char *cbl_check_path(lua_State *L, int arg, int idx, const char *what) {
  cbc_error err;
  size_t n;
  const char *s = lua_tolstring(L, idx, &n);
  if (n == 0) cbl_argerror(L, arg, lua_pushfstring(L, "%s is empty", what));
  if (cbc_header_check_value(s, n, &err) != CBC_OK)
    cbl_argerror(L, arg, lua_pushfstring(L, "%s %s", what, err.message));
  return s;
}
