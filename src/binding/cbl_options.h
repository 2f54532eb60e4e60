/*
** cbl_options.h - tables of options: every key is known and of its type, or the
** call raises and names the nearest one.
*/
#ifndef CBL_OPTIONS_H
#define CBL_OPTIONS_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "cbc_exchange.h"
#include "cbc_request.h"

/* The type of an option, and that of the field it fills. */
typedef enum cbl_kind {
  CBL_SECONDS,  /* double: a number over 0 */
  CBL_COUNT,    /* lua_Integer: from 0 to 1000 */
  CBL_SIZE,     /* lua_Integer: from 1 */
  CBL_STRING,   /* const char *: without NUL bytes and control characters */
  CBL_FLAG,     /* bool */
  CBL_FUNCTION, /* nothing: it is checked, and the caller takes it from the table */
  CBL_ANY       /* nothing: the caller checks it and takes it from the table */
} cbl_kind;

typedef struct cbl_option {
  const char *name;
  cbl_kind kind;
  size_t offset; /* of the field in the struct that is filled */
} cbl_option;

/* Ends a list of options. */
/* clang-format off */
#define CBL_NO_MORE {NULL, CBL_ANY, 0}
/* clang-format on */

/* Pushes a copy of the table at idx. Options are read from a copy of their own:
** the caller's table may be changed, and its strings collected, by whatever Lua
** code runs meanwhile, a finalizer for example. Metamethods are not asked. */
void cbl_options_copy(lua_State *L, int idx);

/* Fills the fields of target that the table at idx names; the others stay. The
** table, argument arg of the call, must be a copy (cbl_options_copy) and outlive
** target, which points to its strings. options ends with CBL_NO_MORE. Raises an
** argument error for an unknown key or a value that does not fit. */
void cbl_options_read(lua_State *L, int arg, int idx, const cbl_option *options, void *target);

/* What a caller may set for one call. */
typedef struct cbl_limits {
  double timeout, connect_timeout, deadline; /* seconds; connect_timeout 0: the client's */
  lua_Integer retries;
} cbl_limits;

/* The options that fill a cbl_limits at the beginning of a struct. */
/* clang-format off */
#define CBL_LIMITS \
  {"timeout",        CBL_SECONDS, offsetof(cbl_limits, timeout)}, \
  {"connectTimeout", CBL_SECONDS, offsetof(cbl_limits, connect_timeout)}, \
  {"deadline",       CBL_SECONDS, offsetof(cbl_limits, deadline)}, \
  {"retries",        CBL_COUNT,   offsetof(cbl_limits, retries)}
/* clang-format on */

/* core.readLimits(options): returns a copy of the table, the limits of one call;
** or nil and what is wrong with it. For calls that are made in Lua. */
int cbl_options_read_limits(lua_State *L);

/* The limits of a client's policy, and back. */
cbl_limits cbl_limits_of(const cbc_policy *policy);
cbc_policy cbl_limits_policy(const cbl_limits *limits);

/* Reads a table of headers at idx, name to value, and pushes a userdata that holds
** an array of them with their bytes (nil without headers); returns the array,
** *count is how many. Raises an argument error for a name or value that can't
** be sent, and for a header that the module writes itself. */
const cbc_field *cbl_options_headers(lua_State *L, int arg, int idx, size_t *count);

#endif
