/*
** cbl_request.h - client:request, the primitive that reaches every operation.
*/
#ifndef CBL_REQUEST_H
#define CBL_REQUEST_H

#include <lua.h>

/* The method of a client: (client, method, path [, options]) returns the value
** and { status =, headers = }, or nil and a failure. See docs/calls.md. */
int cbl_request_perform(lua_State *L);

#endif
