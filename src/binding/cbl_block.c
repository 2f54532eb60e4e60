/*
** cbl_block.c - waits that block the thread.
*/
#include "cbl_block.h"

#include <math.h>

#include "cbl_live.h"
#include "cbl_parking.h"

/* Clients whose descriptors are waited for at once; with more, those behind it have
** their turn when the wait is over, after CBC_WAIT_MOST. */
#define CLIENTS_MOST 64

/* ==== Debug hooks ====================================================== */

static int nothing(lua_State *L) {
  (void)L;
  return 0;
}

/* The thread whose debug hook L has to let run: L itself where it has one, else
** the main thread; NULL where neither has. The stand-alone interpreter answers
** Ctrl-C with a hook that raises an error, and sets it for the main thread alone. */
static lua_State *find_hooked(lua_State *L) {
  lua_State *main;
  if (lua_gethook(L) != NULL) return L;
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  main = lua_tothread(L, -1);
  lua_pop(L, 1);
  return main != NULL && lua_gethook(main) != NULL ? main : NULL;
}

/* Lets a debug hook run, by a call. That of the main thread is borrowed for it; one
** that ends itself, as the interpreter's does, ends there, too. */
static void let_interpreter_act(lua_State *L) {
  lua_State *hooked = find_hooked(L);
  int status;
  if (hooked == NULL) return;
  if (hooked != L)
    lua_sethook(L, lua_gethook(hooked), lua_gethookmask(hooked), lua_gethookcount(hooked));
  lua_pushcfunction(L, nothing);
  status = lua_pcall(L, 0, 0, 0);
  if (hooked != L) {
    if (lua_gethook(L) == NULL) lua_sethook(hooked, NULL, 0, 0);
    lua_sethook(L, NULL, 0, 0);
  }
  if (status != LUA_OK) lua_error(L);
}

/* ==== Several clients =================================================== */

/* A wait for the descriptors of clients. */
typedef struct wait {
  struct pollfd fds[CLIENTS_MOST];
  cbc_client *clients[CLIENTS_MOST];
  nfds_t count;
  const cbc_env *env;
  double until;   /* by env's clock */
  bool for_tasks; /* it is over as soon as one can go on; a call that blocks wakes none */
} wait;

static void limit(wait *w, double at) {
  if (at >= 0 && at < w->until) w->until = at;
}

/* False when it can't be waited for among others. */
static bool add_client(wait *w, cbc_client *c, cbc_error *err) {
  int fd;
  if (c == NULL || w->count == CLIENTS_MOST || (fd = cbc_client_descriptor(c, err)) < 0)
    return false;
  if (w->count == 0) {
    w->env = cbc_client_env(c);
    w->until = w->env->now(w->env->ud) + CBC_WAIT_MOST;
  }
  limit(w, cbc_client_disarm(c));
  if (w->for_tasks && cbc_client_ready(c)) w->until = 0;
  w->clients[w->count] = c;
  w->fds[w->count++] = (struct pollfd){.fd = fd, .events = POLLIN};
  return true;
}

/* Those that are live from the first one on, but for a client that is there already. */
static void add_others(wait *w, const cbl_live *first, const cbc_client *own) {
  cbc_error err;
  for (const cbl_live *c = first; c != NULL; c = c->next)
    if (c->core != own) add_client(w, c->core, &err);
}

/* Waits, and lets libcurl act. Returns what that came to for the first client: the
** others' calls meet an error of theirs again. */
static cbc_code carry_out(wait *w, cbc_error *err) {
  double left = w->until - w->env->now(w->env->ud);
  cbc_code first = CBC_OK;
  w->env->wait(w->env->ud, w->fds, w->count, left > 0 ? (int)ceil(left * 1e3) : 0);
  for (nfds_t i = w->count; i-- > 0;) {
    first = cbc_client_step(w->clients[i], err);
    cbc_client_arm(w->clients[i]);
  }
  return first;
}

/* ==== Waiting =========================================================== */

/* True when another client than this one has something in flight for somebody. */
static bool has_company(const cbl_live *client) {
  const cbl_live *c = client->list->first;
  return c != NULL && (c->next != NULL || c != client);
}

static cbc_code wait_in_company(const cbl_live *client, cbc_call *call, cbc_error *err) {
  wait w = {.count = 0};
  if (!add_client(&w, call->client, err)) return cbc_call_wait(call, err);
  if (call->exchange.state == CBC_PAUSE) limit(&w, call->exchange.resume_at);
  add_others(&w, client->list->first, call->client);
  return carry_out(&w, err);
}

cbc_code cbl_block_call(lua_State *L, const cbl_live *client, cbc_call *call, cbc_error *err) {
  cbc_code rc = has_company(client) ? wait_in_company(client, call, err) : cbc_call_wait(call, err);
  let_interpreter_act(L);
  return rc;
}

int cbl_block_tasks(lua_State *L) {
  wait w = {.for_tasks = true};
  cbc_error err;
  add_others(&w, cbl_live_first(L), NULL);
  if (w.count > 0) carry_out(&w, &err);
  let_interpreter_act(L);
  cbl_parking_wake_tasks(L);
  return 0;
}
