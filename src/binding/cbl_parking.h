/*
** cbl_parking.h - calls that wait parked: their coroutine is suspended, by the loop
** that their client is attached to or as a task, until something wakes it.
**
** A token stands for the suspended coroutine. It stands in a table of the client, by
** the address of the call, as long as the call is parked. client is an index of the
** stack all through this file.
*/
#ifndef CBL_PARKING_H
#define CBL_PARKING_H

#include <lua.h>
#include <stdbool.h>

#include "cbc_call.h"

/* Pushes the functions of the loop that can suspend the running coroutine, and its
** token: those of the tasks, else of the loop that the client is attached to. False,
** pushing nothing, where neither can: whoever waits blocks. */
bool cbl_parking_find(lua_State *L, int client, bool *task);

/* Parks a call, and pushes the function that suspends the running coroutine and its
** argument, to be called next; cbl_parking_leave is to follow. False, pushing
** nothing, where the call has to block, or need not wait any more. */
bool cbl_parking_enter(lua_State *L, int client, cbc_call *call);

/* The call is no longer parked, if it was. Raises nothing. */
void cbl_parking_leave(lua_State *L, int client, cbc_call *call);

/* Lets libcurl act on all that is due for the client, without blocking, and wakes
** those of its parked calls that can go on. The first error that this raises is raised
** again when all are woken. */
void cbl_parking_step(lua_State *L, int client);

/* Wakes the tasks whose calls can go on, of every client of the state: all that a
** wait that blocks may do. */
void cbl_parking_wake_tasks(lua_State *L);

/* Takes out everybody whose call of the client is parked: cbl_parking_wake_owed wakes
** them, whether their calls can go on or not. May raise a memory error, and then has
** done nothing. */
void cbl_parking_release(lua_State *L, int client);

/* Wakes those who were taken out. An error of the loop's becomes a warning; a memory
** error is raised, and who is not woken yet stays for the next time. */
void cbl_parking_wake_owed(lua_State *L);

/* Has the loop that the client was just attached or lent to watch it, if calls are
** parked. Raises the loop's errors. */
void cbl_parking_watch(lua_State *L, int client);

#endif
