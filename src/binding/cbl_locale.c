/*
** cbl_locale.c - numbers and their text, whatever the locale is.
*/
#include "cbl_locale.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>
#if defined(__APPLE__)
#include <xlocale.h>
#endif

#include "cbl_aux.h"

/* The locale of the calling thread while it uses the C locale. */
typedef struct detour {
  locale_t before, plain;
} detour;

/* Raises a memory error when out of memory for the locale. */
static detour enter(lua_State *L) {
  detour d = {.plain = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
  if (d.plain == (locale_t)0) cbl_raise_nomem(L);
  d.before = uselocale(d.plain);
  return d;
}

static void leave(detour d) {
  uselocale(d.before);
  freelocale(d.plain);
}

static void call_in_c_locale(lua_State *L, int arguments, int results) {
  detour d = enter(L);
  int status = lua_pcall(L, arguments, results, 0);
  leave(d);
  if (status != LUA_OK) lua_error(L);
}

bool cbl_locale_is_plain(void) {
  const char *point = nl_langinfo(RADIXCHAR);
  return point[0] == '.' && point[1] == '\0';
}

void cbl_locale_call(lua_State *L, int arguments, int results) {
  if (cbl_locale_is_plain())
    lua_call(L, arguments, results);
  else
    call_in_c_locale(L, arguments, results);
}

void cbl_locale_call_new(lua_State *L, int arguments, int results) {
  if (strlen(nl_langinfo(RADIXCHAR)) <= 1)
    lua_call(L, arguments, results);
  else
    call_in_c_locale(L, arguments, results);
}

bool cbl_locale_tonumber(lua_State *L, const char *s) {
  bool converted;
  detour d;
  if (cbl_locale_is_plain() || strchr(s, '.') == NULL) return lua_stringtonumber(L, s) != 0;
  d = enter(L);
  converted = lua_stringtonumber(L, s) != 0;
  leave(d);
  return converted;
}
