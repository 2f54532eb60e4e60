/*
** cbl_json.c - JSON through a private lua-cjson.
**
** Its branches read integers differently: 2.1.0 makes every number a float, so
** that digits past 2^53 are lost; 2.1.0.14 and later saturate past int64. Both
** are right up to 15 digits, but for the type. So text without longer numbers
** is decoded as it is, and whole floats are made integers afterwards; in other
** text the long integers travel through lua-cjson as marked strings.
*/
#include "cbl_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cbl_shared.h"

/* Digits that a float holds whatever they are. */
#define SAFE_DIGITS 15

/* ==== Long integers =================================================== */

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* True when some run of digits is longer than SAFE_DIGITS. Such a run covers
** every multiple of its length, so only those are looked at. */
static bool has_long_run(const char *s, size_t n) {
  for (size_t i = SAFE_DIGITS; i < n; i += SAFE_DIGITS + 1) {
    size_t first = i, last = i;
    if (!is_digit(s[i])) continue;
    while (first > 0 && is_digit(s[first - 1]))
      first--;
    while (last + 1 < n && is_digit(s[last + 1]))
      last++;
    if (last - first + 1 > SAFE_DIGITS) return true;
  }
  return false;
}

/* The size of the JSON string at s, quotes included. */
static size_t string_size(const char *s, size_t n) {
  size_t i = 1;
  while (i < n && s[i] != '"')
    i += s[i] == '\\' ? 2 : 1;
  return i < n ? i + 1 : n;
}

/* The size of the number at s; *integer tells if it has only digits. */
static size_t number_size(const char *s, size_t n, bool *integer) {
  size_t i = s[0] == '-' ? 1 : 0;
  *integer = true;
  for (; i < n && (is_digit(s[i]) || (s[i] != '\0' && strchr(".eE+-", s[i]) != NULL)); i++)
    if (!is_digit(s[i])) *integer = false;
  return i;
}

/* A control character that no string of the text has, neither as it is nor
** escaped: a string that begins with it is then one of ours. 0 where the text
** has them all; its long integers are left to lua-cjson. */
static char unused_character(const char *s, size_t n) {
  for (char c = 1; c <= 8; c++) {
    const char escaped[] = {'\\', 'u', '0', '0', '0', (char)('0' + c), '\0'};
    if (memchr(s, c, n) == NULL && strstr(s, escaped) == NULL) return c;
  }
  return 0;
}

/* True for a number that JSON allows and that has more digits than are safe. It
** is followed by after: where that is a colon it stands for a name, which no
** string may take the place of. */
static bool is_long_integer(const char *s, size_t size, bool integer, const char *after) {
  size_t sign = s[0] == '-';
  if (!integer || size - sign <= SAFE_DIGITS || s[sign] == '0') return false;
  return after[strspn(after, " \t\r\n")] != ':';
}

/* Replaces the JSON text at the top of the stack with one in which each long
** integer is a string that begins with the mark. */
static void mark_long_integers(lua_State *L, char mark) {
  size_t n, i = 0;
  const char *s = lua_tolstring(L, -1, &n);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  while (i < n) {
    size_t size = 1;
    bool integer = false;
    if (s[i] == '"')
      size = string_size(s + i, n - i);
    else if (s[i] == '-' || is_digit(s[i]))
      size = number_size(s + i, n - i, &integer);
    if (is_long_integer(s + i, size, integer, s + i + size)) {
      luaL_addstring(&b, "\"\\u000");
      luaL_addchar(&b, (char)('0' + mark));
      luaL_addlstring(&b, s + i, size);
      luaL_addchar(&b, '"');
    } else {
      luaL_addlstring(&b, s + i, size);
    }
    i += size;
  }
  luaL_pushresult(&b);
  lua_remove(L, -2);
}

/* ==== Numbers of a decoded value ====================================== */

/* What became of a value. */
typedef enum change { KEPT, REPLACED, INFINITE } change;

static change convert_number(lua_State *L) {
  lua_Number number = lua_tonumber(L, -1);
  lua_Integer integer;
  if (lua_isinteger(L, -1)) return KEPT;
  if (isinf(number)) return INFINITE;
  if (!lua_numbertointeger(number, &integer) || (lua_Number)integer != number) return KEPT;
  lua_pop(L, 1);
  lua_pushinteger(L, integer);
  return REPLACED;
}

/* A marked string becomes an integer where it fits, else a float. */
static change convert_string(lua_State *L, char mark) {
  const char *s = lua_tostring(L, -1);
  if (*s != mark || lua_stringtonumber(L, s + 1) == 0) return KEPT;
  lua_remove(L, -2);
  return REPLACED;
}

/* Converts the value at the top of the stack, which is no table, in its place.
** mark: 0 where no strings are marked. */
static change convert(lua_State *L, char mark) {
  int type = lua_type(L, -1);
  if (type == LUA_TNUMBER) return convert_number(L);
  return type == LUA_TSTRING && mark != 0 ? convert_string(L, mark) : KEPT;
}

/* Converts the values in the table at the top of the stack. False for an
** infinite number; the stack is then higher than before. */
static bool convert_table(lua_State *L, char mark) {
  luaL_checkstack(L, 4, "JSON nested too deep");
  lua_pushnil(L);
  while (lua_next(L, -2) != 0) {
    change c = KEPT;
    if (lua_type(L, -1) != LUA_TTABLE)
      c = convert(L, mark);
    else if (!convert_table(L, mark))
      return false;
    if (c == INFINITE) return false;
    if (c == KEPT) {
      lua_pop(L, 1);
      continue;
    }
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
  }
  return true;
}

/* ==== Both ways ======================================================= */

/* Keeps a memory error what it is; turns any other into a message. */
static bool failed(lua_State *L, int base, int status) {
  if (status == LUA_ERRMEM) lua_error(L);
  lua_copy(L, -1, base + 1);
  lua_settop(L, base + 1);
  return false;
}

bool cbl_json_decode(lua_State *L) {
  int base = lua_gettop(L);
  size_t n;
  const char *s = lua_tolstring(L, base, &n);
  char mark = '\0';
  int status;
  bool finite;
  if (memchr(s, '\0', n) != NULL) {
    /* lua-cjson takes it for the end of the text. */
    lua_pushliteral(L, "it holds a NUL byte");
    return false;
  }
  if (has_long_run(s, n)) mark = unused_character(s, n);
  cbl_shared_push(L, CBL_DECODE);
  lua_pushvalue(L, base);
  if (mark != 0) mark_long_integers(L, mark);
  status = lua_pcall(L, 1, 1, 0);
  if (status != LUA_OK) return failed(L, base, status);
  finite = lua_istable(L, -1) ? convert_table(L, mark) : convert(L, mark) != INFINITE;
  if (finite) return true;
  lua_pushliteral(L, "it holds a number beyond the range of a float");
  return failed(L, base, LUA_ERRRUN);
}

void cbl_json_encode(lua_State *L) {
  cbl_shared_push(L, CBL_ENCODE);
  lua_insert(L, -2);
  lua_call(L, 1, 1);
}

/* True when lua-cjson would write every byte as it is. */
static bool is_plain_string(const char *s, size_t n) {
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)s[i];
    if (c < 0x20 || c == '"' || c == '\\' || c == '/' || c == 0x7f) return false;
  }
  return true;
}

void cbl_json_add_string(lua_State *L, luaL_Buffer *b, int idx) {
  size_t n;
  const char *s = lua_tolstring(L, idx, &n);
  if (is_plain_string(s, n)) {
    luaL_addchar(b, '"');
    luaL_addlstring(b, s, n);
    luaL_addchar(b, '"');
  } else {
    lua_pushvalue(L, idx);
    cbl_json_encode(L);
    luaL_addvalue(b);
  }
}

bool cbl_json_exact(lua_State *L, int idx) {
  char text[32];
  bool exact;
  if (lua_isinteger(L, idx)) {
    lua_Integer n = lua_tointeger(L, idx);
    /* 14 digits: what every branch writes. */
    if (n > -100000000000000 && n < 100000000000000) return true;
  } else {
    lua_Number n = lua_tonumber(L, idx);
    snprintf(text, sizeof text, "%.14g", n);
    if (strtod(text, NULL) == n) return true;
  }
  lua_pushvalue(L, idx);
  cbl_json_encode(L);
  exact = lua_stringtonumber(L, lua_tostring(L, -1)) != 0;
  if (exact) {
    exact = lua_compare(L, -1, idx < 0 ? idx - 2 : idx, LUA_OPEQ);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return exact;
}
