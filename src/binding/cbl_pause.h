/*
** cbl_pause.h - what a run in Lua needs beside calls: to wait as a call does, parked
** where it can be; the time; the state of the client, and whose it is.
*/
#ifndef CBL_PAUSE_H
#define CBL_PAUSE_H

#include <lua.h>

/* core.pause(client, seconds): waits. Returns nothing; nil and a failure when the client
** is closed meanwhile. */
int cbl_pause(lua_State *L);

/* core.now(): seconds on a clock that never goes back. */
int cbl_pause_now(lua_State *L);

/* core.timeout(client): seconds that an attempt of the client's calls may take. */
int cbl_pause_timeout(lua_State *L);

/* core.isClosed(client) */
int cbl_pause_closed(lua_State *L);

/* core.account(client): whose key it is, without the secret; see cbc_secret_account. */
int cbl_pause_account(lua_State *L);

#endif
