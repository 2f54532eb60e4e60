/*
** cbl_entries.h - the entries of a batch, records to be closed with one request:
** { id =, external_billing_id =, external_billing_note = }, named as the API names
** them, the last two optional.
*/
#ifndef CBL_ENTRIES_H
#define CBL_ENTRIES_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "cbc_buffer.h"

/* core.problemOfEntry(entry): what is wrong with it; nothing when nothing is. */
int cbl_entries_problem(lua_State *L);

/* Appends the JSON text of the list of entries at index list to a buffer, which remembers
** when memory was out. Raises an argument error for an entry that is wrong. */
void cbl_entries_add_body(lua_State *L, cbc_buffer *b, int list);

/* True when the n bytes of text, which belong to a string, say plainly, and in the
** order of the list of entries at index list, that each of them is closed and has no
** error. False says nothing. */
bool cbl_entries_are_closed(lua_State *L, int list, const char *text, size_t n);

#endif
