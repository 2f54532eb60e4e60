/*
** cbl_action.h - carries out a row of the table of endpoints: makes a request of
** the arguments, and calls.
*/
#ifndef CBL_ACTION_H
#define CBL_ACTION_H

#include <lua.h>

#include "cbl_endpoints.h"

/* Carries out a row of a class on the collection at base_uri for the client at
** index client. Its arguments, as many as the row has and one of options, stand
** at first and after. Returns how many results it pushed. */
int cbl_action_perform(lua_State *L, const cbl_class *class, const cbl_endpoint *endpoint,
                       const char *base_uri, int client, int first);

#endif
