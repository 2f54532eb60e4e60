/*
** cbl_batch.h - closing a batch of records by the bulk route.
*/
#ifndef CBL_BATCH_H
#define CBL_BATCH_H

#include <lua.h>

/* core.closeBatch(records, entries, limits): sends the entries (cbl_entries.h) to
** POST /usage/records/close-records. Returns true where the reply says plainly, in the
** order of the entries, that each is closed; else the decoded reply, for the caller to
** read; or nil and a failure. Raises for an entry that is wrong. It is sent once, unless
** the service surely did nothing: what a lost reply leaves in doubt is not confirmed. */
int cbl_batch_close(lua_State *L);

#endif
