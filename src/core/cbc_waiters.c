/*
** cbc_waiters.c - lists of those who wait, and a binary heap of their times.
*/
#include "cbc_waiters.h"

#define INITIAL_CAPACITY 16

/* ==== Lists =========================================================== */

static void link_at(cbc_waiter **link, cbc_waiter *w) {
  w->next = *link;
  w->link = link;
  if (w->next != NULL) w->next->link = &w->next;
  *link = w;
}

static void unlink_waiter(cbc_waiters *ws, cbc_waiter *w) {
  if (w->link == NULL) return;
  *w->link = w->next;
  if (w->next != NULL)
    w->next->link = w->link;
  else if (ws->ready_end[w->task] == &w->next)
    ws->ready_end[w->task] = w->link;
  w->next = NULL;
  w->link = NULL;
}

static void append_ready(cbc_waiters *ws, cbc_waiter *w) {
  link_at(ws->ready_end[w->task], w);
  ws->ready_end[w->task] = &w->next;
}

/* ==== Heap ============================================================ */

static void put(cbc_waiters *ws, size_t place, cbc_timed t) {
  ws->heap[place - 1] = t;
  t.waiter->place = place;
}

static void sift_up(cbc_waiters *ws, size_t place, cbc_timed t) {
  while (place > 1 && ws->heap[place / 2 - 1].at > t.at) {
    put(ws, place, ws->heap[place / 2 - 1]);
    place /= 2;
  }
  put(ws, place, t);
}

static void sift_down(cbc_waiters *ws, size_t place, cbc_timed t) {
  for (;;) {
    size_t child = 2 * place;
    if (child > ws->timed) break;
    if (child < ws->timed && ws->heap[child].at < ws->heap[child - 1].at) child++;
    if (ws->heap[child - 1].at >= t.at) break;
    put(ws, place, ws->heap[child - 1]);
    place = child;
  }
  put(ws, place, t);
}

static bool add_time(cbc_waiters *ws, cbc_waiter *w, double at) {
  if (ws->timed == ws->capacity) {
    size_t capacity = ws->capacity != 0 ? 2 * ws->capacity : INITIAL_CAPACITY;
    cbc_timed *grown =
        cbc_realloc(ws->env, ws->heap, ws->capacity * sizeof *grown, capacity * sizeof *grown);
    if (grown == NULL) return false;
    ws->heap = grown;
    ws->capacity = capacity;
  }
  sift_up(ws, ++ws->timed, (cbc_timed){at, w});
  return true;
}

static void remove_time(cbc_waiters *ws, cbc_waiter *w) {
  size_t place = w->place;
  cbc_timed last;
  if (place == 0) return;
  w->place = 0;
  last = ws->heap[--ws->timed];
  if (last.waiter == w) return;
  /* The last one takes the place: it may belong above it, or below. */
  sift_up(ws, place, last);
  sift_down(ws, last.waiter->place, last);
}

/* ==== Queue =========================================================== */

static void leave_queue(cbc_waiters *ws, cbc_waiter *w) {
  if (w->queue_link == NULL) return;
  *w->queue_link = w->queue_next;
  if (w->queue_next != NULL)
    w->queue_next->queue_link = w->queue_link;
  else
    ws->queue_end = w->queue_link;
  w->queue_next = NULL;
  w->queue_link = NULL;
}

static void enter_queue(cbc_waiters *ws, cbc_waiter *w) {
  w->queue_link = ws->queue_end;
  *ws->queue_end = w;
  ws->queue_end = &w->queue_next;
}

static void admit(cbc_waiters *ws, cbc_waiter *w) {
  leave_queue(ws, w);
  w->admitted = true;
  ws->admitted++;
}

bool cbc_waiters_admit(cbc_waiters *ws, cbc_waiter *w, bool force) {
  if (w->admitted) return true;
  if (force || (ws->admitted < ws->most && ws->queue == NULL))
    admit(ws, w);
  else if (w->queue_link == NULL)
    enter_queue(ws, w);
  return w->admitted;
}

void cbc_waiters_release(cbc_waiters *ws, cbc_waiter *w) {
  leave_queue(ws, w);
  if (!w->admitted) return;
  w->admitted = false;
  ws->admitted--;
  while (ws->queue != NULL && ws->admitted < ws->most) {
    cbc_waiter *next = ws->queue;
    admit(ws, next);
    cbc_waiters_wake(ws, next);
  }
}

/* ==== Waiting ========================================================= */

void cbc_waiters_init(cbc_waiters *ws, const cbc_env *env, size_t most) {
  *ws = (cbc_waiters){.env = env, .most = most};
  ws->queue_end = &ws->queue;
  for (int task = 0; task < 2; task++)
    ws->ready_end[task] = &ws->ready[task];
}

void cbc_waiters_free(cbc_waiters *ws) {
  cbc_free(ws->env, ws->heap, ws->capacity * sizeof *ws->heap);
  ws->heap = NULL;
  ws->capacity = 0;
}

bool cbc_waiters_park(cbc_waiters *ws, cbc_waiter *w, double at, bool task) {
  w->task = task;
  if (at >= 0 && !add_time(ws, w, at)) return false;
  w->parked = true;
  ws->count++;
  link_at(&ws->asleep, w);
  return true;
}

void cbc_waiters_unpark(cbc_waiters *ws, cbc_waiter *w) {
  if (!w->parked) return;
  w->parked = false;
  ws->count--;
  unlink_waiter(ws, w);
  remove_time(ws, w);
}

void cbc_waiters_wake(cbc_waiters *ws, cbc_waiter *w) {
  if (!w->parked) return;
  unlink_waiter(ws, w);
  remove_time(ws, w);
  append_ready(ws, w);
}

void cbc_waiters_unpark_all(cbc_waiters *ws) {
  cbc_waiter *w;
  while ((w = ws->asleep) != NULL || (w = ws->ready[false]) != NULL ||
         (w = ws->ready[true]) != NULL)
    cbc_waiters_unpark(ws, w);
  while (ws->queue != NULL)
    leave_queue(ws, ws->queue);
}

void cbc_waiters_expire(cbc_waiters *ws, double now) {
  while (ws->timed > 0 && ws->heap[0].at <= now)
    cbc_waiters_wake(ws, ws->heap[0].waiter);
}

double cbc_waiters_due(const cbc_waiters *ws) {
  return ws->timed > 0 ? ws->heap[0].at : CBC_NEVER;
}

bool cbc_waiters_ready(const cbc_waiters *ws, bool task) {
  return ws->ready[task] != NULL;
}

cbc_waiter *cbc_waiters_next(cbc_waiters *ws, bool task) {
  cbc_waiter *w = ws->ready[task];
  if (w == NULL) return NULL;
  unlink_waiter(ws, w);
  link_at(&ws->asleep, w);
  return w;
}
