/*
** cbl_block.h - waits that block the thread: what else is in flight goes on on the
** wire meanwhile, and a debug hook may run.
*/
#ifndef CBL_BLOCK_H
#define CBL_BLOCK_H

#include <lua.h>

#include "cbc_call.h"
#include "cbl_live.h"

/* Waits a little (at most CBC_WAIT_MOST seconds) for something to happen to the call, which
** is one of the client. Returns as cbc_call_wait; raises what a debug hook raises. */
cbc_code cbl_block_call(lua_State *L, const cbl_live *client, cbc_call *call, cbc_error *err);

/* core.waitForTasks(): waits a little for calls that tasks have parked, and wakes the
** tasks that can go on. */
int cbl_block_tasks(lua_State *L);

#endif
