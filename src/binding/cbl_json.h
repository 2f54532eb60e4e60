/*
** cbl_json.h - JSON text to Lua values and back, through a private lua-cjson.
** Numbers keep their value in both directions, or the call fails, with either of
** lua-cjson's branches.
*/
#ifndef CBL_JSON_H
#define CBL_JSON_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

#include "cbc_buffer.h"

/* Decodes the string at the top of the stack and pushes the value: a JSON
** integer within int64 as a Lua integer, any other number as a float, null as
** the light userdata of cjson.null. Returns false, and pushes a message
** instead, for what is no JSON, holds a number beyond the range of a float, or
** nests deeper than lua-cjson is set to. Memory errors are raised. */
bool cbl_json_decode(lua_State *L);

/* Encodes the value at the top of the stack, which cbl_check_body accepted, and
** replaces it with the text. */
void cbl_json_encode(lua_State *L);

/* core.encodeJson(value): the JSON text, for what is kept by Lua code of the module. Raises
** lua-cjson's error for what it can't write. */
int cbl_json_lua_encode(lua_State *L);

/* core.decodeJson(text): the value, as cbl_json_decode has it; nil and a message for what
** is no JSON. */
int cbl_json_lua_decode(lua_State *L);

/* Appends the JSON text of the string at idx (absolute) to a buffer, which remembers when
** memory was out. Raises lua-cjson's own errors. */
void cbl_json_add_string(lua_State *L, cbc_buffer *b, int idx);

/* True when the number at idx reads back from its JSON text as the same value. */
bool cbl_json_exact(lua_State *L, int idx);

#endif
