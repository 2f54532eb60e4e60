/*
** cbl_reply.h - parts of a reply as Lua sees them.
*/
#ifndef CBL_REPLY_H
#define CBL_REPLY_H

#include "cbc_transfer.h"
#include "cbl_client.h"

/* Pushes the body as a string. */
void cbl_reply_push_body(lua_State *L, cbc_transfer *x);

/* Pushes a table of the headers, names in lower case, the key masked. */
void cbl_reply_push_headers(lua_State *L, const cbl_client *client, cbc_transfer *x);

/* Pushes { status =, headers = }. */
void cbl_reply_push(lua_State *L, const cbl_client *client, cbc_transfer *x);

#endif
