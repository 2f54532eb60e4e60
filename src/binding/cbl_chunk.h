/*
** cbl_chunk.h - the UsageChunk userdata: what a close gives back.
*/
#ifndef CBL_CHUNK_H
#define CBL_CHUNK_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

#define CBL_CHUNK "cloudblue.UsageChunk"

/* User values of a chunk. */
enum {
  CBL_CHUNK_CLIENT = 1, /* keeps the client alive */
  CBL_CHUNK_DATA,       /* the decoded table */
  CBL_CHUNK_RAW,        /* the reply's bytes, a string */
  CBL_CHUNK_VALUES = CBL_CHUNK_RAW
};

/* Makes the metatable. Pushes nothing. */
void cbl_chunk_open(lua_State *L);

/* Pushes a chunk of the client at index client, made from the reply's bytes and
** the decoded table, which are at the top of the stack in this order and are
** popped. confirmed: a later reading told that the close had taken effect. */
void cbl_chunk_push(lua_State *L, int client, bool confirmed);

/* The same from the reply's bytes alone, at the top of the stack: the table is
** made when somebody looks into it. Returns false, and leaves the bytes, when
** they are not plain JSON (cbl_scan.h) of an object with an id. */
bool cbl_chunk_push_plain(lua_State *L, int client, bool confirmed);

/* Pushes the id of the chunk at index idx, or raises an argument error for
** argument arg when it has none. */
void cbl_chunk_push_id(lua_State *L, int arg, int idx);

#endif
