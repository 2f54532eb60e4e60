/*
** cbl_nearest.h - the message for an unknown option.
*/
#ifndef CBL_NEAREST_H
#define CBL_NEAREST_H

#include <lauxlib.h>
#include <lua.h>
#include <stddef.h>

/* What to say of a table of options with a key that is no string. */
#define CBL_NO_NAME "options are a table of names, and this one has another key"

/* The known name that is nearest to a misspelled one: so few letters apart that
** one may have been meant for the other. Known names are offered one by one. */
typedef struct cbl_nearest {
  const char *wrong; /* the misspelled name; outlives the search */
  const char *name;  /* the nearest known name so far, or NULL */
  size_t distance;   /* of that name */
} cbl_nearest;

/* Begins the search for what wrong may have been meant for. */
cbl_nearest cbl_nearest_to(const char *wrong);

/* Offers a known name, which must outlive the search. */
void cbl_nearest_offer(cbl_nearest *n, const char *name);

/* Pushes "unknown option 'x'", with the nearest known name where there is one.
** Returns the string that was pushed. */
const char *cbl_nearest_push_message(lua_State *L, const cbl_nearest *n);

/* core.unknownOption(key, names): the same message, for options that are read
** in Lua. key may be any value; names is the list of the known ones. */
int cbl_nearest_unknown_option(lua_State *L);

#endif
