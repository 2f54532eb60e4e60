/*
** cbl_nearest.c - the message for an unknown option.
*/
#include "cbl_nearest.h"

#include <stdint.h>
#include <string.h>

/* Option names are shorter than this. */
#define NAME_MOST 32

/* Further than any name is from another; may be doubled. */
#define FAR (SIZE_MAX / 2)

static size_t least3(size_t a, size_t b, size_t c) {
  size_t least = a < b ? a : b;
  return least < c ? least : c;
}

static char lower(char c) {
  return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* How many letters must be put in, taken out or changed to make a, of n bytes,
** into b, of m (Levenshtein), letter case aside. */
static size_t distance(const char *a, size_t n, const char *b, size_t m) {
  size_t row[NAME_MOST + 1];
  if (n > NAME_MOST || m > NAME_MOST) return FAR;
  for (size_t j = 0; j <= m; j++)
    row[j] = j;
  for (size_t i = 1; i <= n; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= m; j++) {
      size_t above = row[j];
      size_t changed = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));
      row[j] = least3(row[j - 1] + 1, above + 1, changed);
      diagonal = above;
    }
  }
  return row[m];
}

cbl_nearest cbl_nearest_to(const char *wrong) {
  return (cbl_nearest){wrong, NULL, FAR};
}

void cbl_nearest_offer(cbl_nearest *n, const char *name) {
  size_t length = strlen(n->wrong), other = strlen(name);
  size_t d = distance(n->wrong, length, name, other);
  /* Names that differ in more than half of their letters have nothing to do with each other. */
  if (d * 2 > (length > other ? length : other) || d >= n->distance) return;
  n->name = name;
  n->distance = d;
}

const char *cbl_nearest_push_message(lua_State *L, const cbl_nearest *n) {
  if (n->name == NULL) return lua_pushfstring(L, "unknown option '%s'", n->wrong);
  return lua_pushfstring(L, "unknown option '%s'; the nearest known one is '%s'", n->wrong,
                         n->name);
}

int cbl_nearest_unknown_option(lua_State *L) {
  cbl_nearest n;
  luaL_checkany(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  if (lua_type(L, 1) != LUA_TSTRING) {
    lua_pushliteral(L, CBL_NO_NAME);
    return 1;
  }
  n = cbl_nearest_to(lua_tostring(L, 1));
  for (lua_Integer i = 1; lua_rawgeti(L, 2, i) == LUA_TSTRING; i++) {
    cbl_nearest_offer(&n, lua_tostring(L, -1)); /* the list keeps the string */
    lua_pop(L, 1);
  }
  cbl_nearest_push_message(L, &n);
  return 1;
}
