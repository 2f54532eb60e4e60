/*
** cloudblue_connect.h - for programs that host Lua and link the module.
**
** The host opens the base library, string, table and coroutine, makes lua-cjson
** known as "cjson" (luaL_requiref with luaopen_cjson), and then opens this
** module in the same way. Nothing else is needed at run time.
*/
#ifndef CLOUDBLUE_CONNECT_H
#define CLOUDBLUE_CONNECT_H

#include <lauxlib.h>
#include <lua.h>

/* Seen from outside even where everything else is hidden. */
#if defined(_WIN32)
#define CLOUDBLUE_CONNECT_API __declspec(dllexport)
#else
#define CLOUDBLUE_CONNECT_API __attribute__((visibility("default")))
#endif

/* Opens the C module in the state and pushes its table. Raises when lua-cjson can't
** be loaded, or when out of memory. States in different threads may do so at once:
** they share nothing. */
CLOUDBLUE_CONNECT_API int luaopen_cloudblue_connect_core(lua_State *L);

#endif
