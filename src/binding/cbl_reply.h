/*
** cbl_reply.h - parts of a reply as Lua sees them. The key is masked in the
** headers; bodies are masked by those who show them to anybody but the caller.
*/
#ifndef CBL_REPLY_H
#define CBL_REPLY_H

#include <stdbool.h>

#include "cbc_transfer.h"
#include "cbl_client.h"

/* Pushes the body as a string. */
void cbl_reply_push_body(lua_State *L, cbc_transfer *x);

/* Decodes the body at the top of the stack and pushes the object or list; or
** pushes why that can't be, and returns false. */
bool cbl_reply_decode(lua_State *L);

/* Pushes a table of the headers, names in lower case. */
void cbl_reply_push_headers(lua_State *L, const cbl_client *client, cbc_transfer *x);

/* Pushes { status =, headers = }. */
void cbl_reply_push(lua_State *L, const cbl_client *client, cbc_transfer *x);

#endif
