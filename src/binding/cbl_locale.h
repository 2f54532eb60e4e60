/*
** cbl_locale.h - numbers and their text, whatever the locale is.
**
** JSON's decimal point is '.'. The C functions that Lua and lua-cjson turn
** numbers into text and back with (printf, strtod) go by the decimal point of
** the locale instead, which a program may change at any time (setlocale,
** os.setlocale) and have for one thread only (uselocale). lua-cjson allows for
** the one that it met when an instance was made last.
**
** Nothing here changes the locale of the process.
*/
#ifndef CBL_LOCALE_H
#define CBL_LOCALE_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

/* True when the decimal point of the calling thread's locale is '.'. */
bool cbl_locale_is_plain(void);

/* As lua_call, with '.' for the decimal point of the calling thread meanwhile.
** What else the call runs, hooks and finalizers, meets the C locale, too. */
void cbl_locale_call(lua_State *L, int arguments, int results);

/* As lua_call to make an instance of lua-cjson, which ends the process where
** the decimal point has more than one byte (fa_IR, ps_AF): the point is then '.'
** meanwhile. Any other is left as it is for lua-cjson to see. */
void cbl_locale_call_new(lua_State *L, int arguments, int results);

/* As lua_stringtonumber, for text whose decimal point is '.': pushes the number
** and returns true, or pushes nothing and returns false. */
bool cbl_locale_tonumber(lua_State *L, const char *s);

#endif
