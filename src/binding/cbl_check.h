/*
** cbl_check.h - what a caller passes for a JSON body, checked before anything is
** sent, so that what the server reads is what was meant.
*/
#ifndef CBL_CHECK_H
#define CBL_CHECK_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

/* Checks the value at idx, argument arg of the call, and raises an argument
** error that names the place for: a function, userdata (other than JSON null) or
** thread; NaN or infinity; a number that lua-cjson can't write exactly; a string
** that is not UTF-8; a table with a cycle, with a __len, with holes, with keys that
** are neither all 1..n nor all strings, with names under the metatable of
** lua-cjson's lists, or nested too deep. */
void cbl_check_body(lua_State *L, int arg, int idx);

/* True when the bytes are well-formed UTF-8 (RFC 3629), as JSON text must be. */
bool cbl_check_utf8(const char *s, size_t n);

/* What is wrong with a billing id, or another string of a close, or NULL. */
const char *cbl_check_billing(const char *s, size_t n, bool is_id);

/* The string at idx, argument arg of the call and named what, as a name for the
** operating system: not empty, without NUL bytes and control characters. */
const char *cbl_check_path(lua_State *L, int arg, int idx, const char *what);

#endif
