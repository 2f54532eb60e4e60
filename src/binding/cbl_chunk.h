/*
** cbl_chunk.h - the UsageChunk userdata: what a close returns.
*/
#ifndef CBL_CHUNK_H
#define CBL_CHUNK_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

#include "cbc_buffer.h"
#include "cbc_outline.h"
#include "cbl_endpoints.h"

#define CBL_CHUNK "cloudblue.UsageChunk"

/* User values of a chunk. */
enum {
  CBL_CHUNK_CLIENT = 1, /* keeps the client alive */
  CBL_CHUNK_DATA,       /* the decoded table */
  CBL_CHUNK_RAW,        /* the reply's bytes, a string; nil where the chunk itself has them */
  CBL_CHUNK_VALUES = CBL_CHUNK_RAW
};

/* Makes the metatable, and pushes the table of methods. */
void cbl_chunk_open(lua_State *L);

/* Pushes a chunk of the client at index client, an object of the class, made
** from the reply's bytes and the decoded table, which are at the top of the
** stack in this order and are popped. confirmed: the confirming GET showed that
** the close had taken effect. */
void cbl_chunk_push(lua_State *L, int client, const cbl_class *class, bool confirmed);

/* The same from the bytes of a reply, which are copied, and of which outline is the
** outline: they are decoded when a field is first read that it does not show. */
void cbl_chunk_push_plain(lua_State *L, int client, const cbl_class *class,
                          const cbc_outline *outline, const cbc_buffer *body);

/* The class of the chunk at index idx. */
const cbl_class *cbl_chunk_class(lua_State *L, int idx);

/* Pushes the id of the chunk that is the object of a method, or raises an
** argument error when it has none. */
void cbl_chunk_push_id(lua_State *L);

#endif
