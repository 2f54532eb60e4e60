/*
** cbc_waiters.h - the calls of one client that wait parked, with nobody blocking
** for them: which of them can go on, and when the next one can by the clock. And
** those that wait for their turn, because only so many may be in flight.
**
** Waking one costs the same however many there are; the times stand in a heap.
*/
#ifndef CBC_WAITERS_H
#define CBC_WAITERS_H

#include <stdbool.h>

#include "cbc_env.h"

typedef struct cbc_waiter cbc_waiter;

/* One who waits: part of a call, which owns its memory. All zero is not parked. */
struct cbc_waiter {
  cbc_waiter *next;
  cbc_waiter **link; /* what points to it; NULL: in neither list */
  size_t place;      /* in the heap, from 1; 0: not there */
  bool parked;
  bool task; /* a blocking wait may wake it: see cbc_waiters_next */

  cbc_waiter *queue_next;
  cbc_waiter **queue_link; /* as link, in the queue */
  bool admitted;           /* one of those that may be in flight */
};

/* When one can go on by the clock. */
typedef struct cbc_timed {
  double at;
  cbc_waiter *waiter;
} cbc_timed;

typedef struct cbc_waiters {
  const cbc_env *env;
  size_t count;         /* parked */
  cbc_waiter *asleep;   /* parked, and nothing has come for them */
  cbc_waiter *ready[2]; /* parked, and can go on; by task, as the next */
  cbc_waiter **ready_end[2];
  cbc_timed *heap; /* owned */
  size_t timed, capacity;

  size_t most, admitted;
  cbc_waiter *queue; /* those who wait for their turn, the first to come first */
  cbc_waiter **queue_end;
} cbc_waiters;

/* The time of one that does not wait for the clock. */
#define CBC_NEVER (-1.0)

/* None parked; at most so many may be in flight. env must outlive it. */
void cbc_waiters_init(cbc_waiters *ws, const cbc_env *env, size_t most);

/* Frees its memory. None may be parked. */
void cbc_waiters_free(cbc_waiters *ws);

/* Parks one that is not parked until it is woken, or until env's clock says at
** (CBC_NEVER: only until woken). task: it belongs to a task, which any wait of the
** same thread may wake; else to a host's loop, which alone may. False when out of
** memory: it is not parked. */
bool cbc_waiters_park(cbc_waiters *ws, cbc_waiter *w, double at, bool task);

/* Takes it out, wherever it is. Does nothing to one that is not parked. */
void cbc_waiters_unpark(cbc_waiters *ws, cbc_waiter *w);

/* Something has come for it. Does nothing to one that is not parked: who blocks
** looks by itself. */
void cbc_waiters_wake(cbc_waiters *ws, cbc_waiter *w);

/* Takes out all of them, and empties the queue. */
void cbc_waiters_unpark_all(cbc_waiters *ws);

/* Wakes those whose time has come. */
void cbc_waiters_expire(cbc_waiters *ws, double now);

/* When the next one can go on by the clock; CBC_NEVER. */
double cbc_waiters_due(const cbc_waiters *ws);

/* True when one can go on: of the tasks, or of the others. */
bool cbc_waiters_ready(const cbc_waiters *ws, bool task);

/* The next that can go on, in the order in which they were woken, of the tasks or of
** the others; NULL when there is none. It stays parked, and is not returned again
** before it is woken again. */
cbc_waiter *cbc_waiters_next(cbc_waiters *ws, bool task);

/* Returns whether it is admitted: because it was, because there is room and nobody
** came before, or, by force, in any case. Else it stands in the queue, and is admitted
** and woken when its turn comes. */
bool cbc_waiters_admit(cbc_waiters *ws, cbc_waiter *w, bool force);

/* It is no longer admitted, or in the queue: the next one is. Does nothing to one that
** is neither. */
void cbc_waiters_release(cbc_waiters *ws, cbc_waiter *w);

#endif
