/*
** cbl_live.h - the live clients of a Lua state: those that have parked calls. While
** something blocks, their transfers go on.
*/
#ifndef CBL_LIVE_H
#define CBL_LIVE_H

#include <lua.h>

#include "cbc_client.h"

/* What a state keeps of its live clients. */
typedef struct cbl_live_list {
  struct cbl_live *first; /* NULL: there are none */
} cbl_live_list;

/* The first member of a client's userdata. */
typedef struct cbl_live {
  cbl_live_list *list;   /* the state's; in the registry */
  cbc_client *core;      /* NULL once the client is collected */
  size_t parked;         /* calls; live while there are any */
  struct cbl_live *next; /* of the live ones */
  struct cbl_live **link;
} cbl_live;

/* Makes what the state keeps of them. Pushes nothing. */
void cbl_live_open(lua_State *L);

/* A client that is made, and not live. Pushes nothing, raises nothing. */
void cbl_live_init(lua_State *L, cbl_live *c);

/* A call of the client at index client is about to be parked. May raise a memory error. */
void cbl_live_prepare(lua_State *L, int client);

/* One more call of a client that is prepared is parked. */
void cbl_live_enter(cbl_live *c);

/* One less is; all: none is any more. */
void cbl_live_leave(cbl_live *c, bool all);

/* The first live client of the state, or NULL; the others follow it by next. */
cbl_live *cbl_live_first(lua_State *L);

/* Pushes the userdata of a live client; nil in finalizers that come after its own. */
int cbl_live_push(lua_State *L, const cbl_live *c);

#endif
