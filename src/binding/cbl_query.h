/*
** cbl_query.h - what a caller passes for a query. A ready query is checked by
** cbc_url_check_query, whether it is taken here or in Lua.
*/
#ifndef CBL_QUERY_H
#define CBL_QUERY_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

/* Pushes the query for the filter at index idx, argument arg of the call, with
** the options at index options (0: none), as a URL carries it. A string without
** options is a ready query; everything else goes to the writer of filters.
** Returns false, pushing nothing, when there is none. Raises an argument error
** for what is no filter, or, with the position of the options, no option. */
bool cbl_query_push(lua_State *L, int arg, int idx, int options);

/* core.encodeQuery(query): a ready query as a URL carries it; or nil and what is
** wrong with it. */
int cbl_query_encode(lua_State *L);

#endif
