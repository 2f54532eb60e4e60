/*
** cbl_loop.h - the methods of a client that have to do with somebody's loop.
*/
#ifndef CBL_LOOP_H
#define CBL_LOOP_H

#include <lua.h>

/* client:attach(loop): makes its calls wait through the loop, a table of the functions
** watch, token, park and wake. See docs/loops.md. */
int cbl_loop_attach(lua_State *L);

/* client:detach(): ends that. Who is parked is woken, and blocks. */
int cbl_loop_detach(lua_State *L);

/* client:pollfd(): the descriptor that is readable whenever client:step() has
** something to do. */
int cbl_loop_pollfd(lua_State *L);

/* client:step([seconds]): does what is due; waits at most so many seconds for it, or not
** at all. */
int cbl_loop_step(lua_State *L);

/* client:close() and <close>: ends what is in flight; may be called again. */
int cbl_loop_close(lua_State *L);

/* core.setTasks(tokens, park, wake): the coroutines of tasks with what stands for each,
** and what suspends and wakes one. */
int cbl_loop_set_tasks(lua_State *L);

/* core.waiting(client): for who waits as a call does. Returns the token of the running
** coroutine, and of the loop that can suspend it park, wake and watch (nil for tasks).
** Returns nothing where it has to block. */
int cbl_loop_waiting(lua_State *L);

/* core.unattached(): a list of the clients that have parked calls and are not attached. */
int cbl_loop_unattached(lua_State *L);

/* core.lend(client, watch): has a loop, by its function watch, see to a client that is not
** attached: where who waits is parked in the loop, though the call is not. */
int cbl_loop_lend(lua_State *L);

/* core.takeBack(client): ends that. Does nothing to a client that is attached. */
int cbl_loop_take_back(lua_State *L);

#endif
