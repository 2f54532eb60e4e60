/*
** cbl_json.c - JSON through a private lua-cjson.
**
** Its branches read integers differently: 2.1.0 makes every number a float, so
** that digits past 2^53 are lost; 2.1.0.14 and later saturate past int64. Both
** are right up to 15 digits, but for the type, as long as the decimal point of
** the locale is the one that lua-cjson allows for. So text without longer
** numbers is decoded as it is, and whole floats are made integers afterwards;
** numbers that lua-cjson would not read rightly are marked (cbl_marks.h).
*/
#include "cbl_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cbl_locale.h"
#include "cbl_marks.h"
#include "cbl_state.h"

/* Below it no whole float stands for another integer: 2^53. */
#define EXACT_LIMIT 9007199254740992.0

/* ==== Numbers of a decoded value ====================================== */

/* What became of a value. */
typedef enum change { KEPT, REPLACED, INFINITE } change;

static change convert_number(lua_State *L) {
  lua_Number number = lua_tonumber(L, -1);
  if (lua_isinteger(L, -1)) return KEPT;
  if (isinf(number)) return INFINITE;
  if (fabs(number) >= EXACT_LIMIT || (lua_Number)(lua_Integer)number != number) return KEPT;
  lua_pop(L, 1);
  lua_pushinteger(L, (lua_Integer)number);
  return REPLACED;
}

/* A marked string becomes what it stands for. */
static change convert_string(lua_State *L) {
  if (!cbl_marks_resolve(L)) return KEPT;
  return lua_type(L, -1) == LUA_TNUMBER && convert_number(L) == INFINITE ? INFINITE : REPLACED;
}

static bool convert_table(lua_State *L, bool marked);

/* Converts the value at the top of the stack in its place, or the values in it.
** For an infinite number the stack may then be higher than before. */
static change convert(lua_State *L, bool marked) {
  switch (lua_type(L, -1)) {
  case LUA_TTABLE:
    return convert_table(L, marked) ? KEPT : INFINITE;
  case LUA_TNUMBER:
    return convert_number(L);
  case LUA_TSTRING:
    return marked ? convert_string(L) : KEPT;
  default:
    return KEPT;
  }
}

/* Converts the values in the table at the top of the stack. False for an
** infinite number. */
static bool convert_table(lua_State *L, bool marked) {
  luaL_checkstack(L, 4, "JSON nested too deep");
  lua_pushnil(L);
  while (lua_next(L, -2) != 0) {
    change c = convert(L, marked);
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

/* True when the error at the top of the stack is lua-cjson's refusal of a text. Any
** other was raised by a debug hook, an interruption for one. */
static bool is_refusal(lua_State *L) {
  static const char encoding[] = "JSON parser does not support UTF-16";
  const char *message = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  return strstr(message, " at character ") != NULL ||
         strncmp(message, encoding, strlen(encoding)) == 0;
}

/* Decodes the string at index text and pushes the value, or a message. */
static bool decode(lua_State *L, int text, cbl_marks marks) {
  int status;
  cbl_state_push(L, CBL_DECODE);
  lua_pushvalue(L, text);
  if (marks != CBL_MARKS_NONE && !cbl_marks_add(L, marks)) {
    lua_pop(L, 2);
    lua_pushliteral(L, "it holds a number that is not as JSON has it");
    return false;
  }
  status = lua_pcall(L, 1, 1, 0);
  if (status != LUA_OK && (status == LUA_ERRMEM || !is_refusal(L))) lua_error(L);
  return status == LUA_OK;
}

/* Decodes the string at index text and pushes the value, or a message; *marks is
** what was marked in the end. Where the point of the locale is '.', lua-cjson may
** expect another: then it refuses every fraction, and the text is decoded again
** with every number marked. */
static bool decode_anywhere(lua_State *L, int text, cbl_marks *marks) {
  size_t n;
  const char *s = lua_tolstring(L, text, &n);
  *marks = cbl_locale_is_plain() ? cbl_marks_needed(s, n) : CBL_MARKS_ALL;
  if (decode(L, text, *marks)) return true;
  if (*marks == CBL_MARKS_ALL || memchr(s, '.', n) == NULL) return false;
  *marks = CBL_MARKS_ALL;
  if (!decode(L, text, *marks)) {
    lua_pop(L, 1); /* the first message is lua-cjson's own */
    return false;
  }
  lua_remove(L, -2);
  return true;
}

/* Converts the decoded value at the top of the stack, or replaces it with a
** message. */
static bool convert_all(lua_State *L, bool marked) {
  int value = lua_gettop(L);
  if (convert(L, marked) != INFINITE) return true;
  lua_settop(L, value - 1);
  lua_pushliteral(L, "it holds a number beyond the range of a float");
  return false;
}

bool cbl_json_decode(lua_State *L) {
  int text = lua_gettop(L);
  cbl_marks marks;
  if (memchr(lua_tostring(L, text), '\0', lua_rawlen(L, text)) != NULL) {
    /* lua-cjson takes it for the end of the text. */
    lua_pushliteral(L, "it holds a NUL byte");
    return false;
  }
  return decode_anywhere(L, text, &marks) && convert_all(L, marks != CBL_MARKS_NONE);
}

void cbl_json_encode(lua_State *L) {
  cbl_state_push(L, CBL_ENCODE);
  lua_insert(L, -2);
  cbl_locale_call(L, 1, 1);
}

int cbl_json_lua_encode(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  cbl_json_encode(L);
  return 1;
}

int cbl_json_lua_decode(lua_State *L) {
  luaL_checktype(L, 1, LUA_TSTRING);
  lua_settop(L, 1);
  if (cbl_json_decode(L)) return 1;
  luaL_pushfail(L);
  lua_insert(L, -2);
  return 2;
}

/* True when lua-cjson would write every byte as it is. */
static bool is_plain_string(const char *s, size_t n) {
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)s[i];
    if (c < 0x20 || c == '"' || c == '\\' || c == '/' || c == 0x7f) return false;
  }
  return true;
}

void cbl_json_add_string(lua_State *L, cbc_buffer *b, int idx) {
  size_t n;
  const char *s = lua_tolstring(L, idx, &n);
  if (is_plain_string(s, n)) {
    cbc_buffer_add(b, "\"", 1);
    cbc_buffer_add(b, s, n);
    cbc_buffer_add(b, "\"", 1);
  } else {
    lua_pushvalue(L, idx);
    cbl_json_encode(L);
    s = lua_tolstring(L, -1, &n);
    cbc_buffer_add(b, s, n);
    lua_pop(L, 1);
  }
}

/* True when the number at the top of the stack, read from its text, is the one
** below it. A float may stand for an integer below 2^53 only: from there on its
** text may be that of another integer. */
static bool is_same_number(lua_State *L) {
  return lua_compare(L, -1, -2, LUA_OPEQ) &&
         (lua_isinteger(L, -1) || !lua_isinteger(L, -2) || fabs(lua_tonumber(L, -1)) < EXACT_LIMIT);
}

bool cbl_json_exact(lua_State *L, int idx) {
  int top = lua_gettop(L);
  bool exact;
  if (lua_isinteger(L, idx)) {
    lua_Integer n = lua_tointeger(L, idx);
    /* 14 digits: what every branch writes. */
    if (n > -100000000000000 && n < 100000000000000) return true;
  } else {
    char text[32];
    lua_Number n = lua_tonumber(L, idx);
    /* Both ways by the same locale, whichever. */
    snprintf(text, sizeof text, "%.14g", n);
    if (strtod(text, NULL) == n) return true;
  }
  lua_pushvalue(L, idx);
  lua_pushvalue(L, -1);
  cbl_json_encode(L);
  exact = cbl_locale_tonumber(L, lua_tostring(L, -1));
  if (exact) {
    lua_remove(L, -2);
    exact = is_same_number(L);
  }
  lua_settop(L, top);
  return exact;
}
