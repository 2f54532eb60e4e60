/*
** host_poll.c - a program with a poll loop of its own, whose scripts close usage
** records while the loop goes on: no call makes the program stand still.
**
** A script runs as a coroutine. It may start others with spawn(fn), pause with
** sleep(seconds) and end the program with quit(). A client that it attaches to the table `loop` makes its calls
** wait in the program's loop:
**
**   client:attach(loop)
**
** The program has work to do every 10 ms, and says at the end how late it was.
**
**   host_poll [SCRIPT [ARGUMENT...]]
**
** Without a script it closes records with CONNECT_ENDPOINT and CONNECT_API_KEY. A
** script finds its arguments in the table `arg`.
*/
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cloudblue_connect.h"

/* lua-cjson's library has this function; not every system has its header. */
int luaopen_cjson(lua_State *L);

#define TICK 0.010
#define MAX_WATCHES 16

/* A coroutine of a script. A userdata, whose user value is the coroutine; the
** registry holds it until the coroutine is over. */
typedef struct task {
  lua_State *co;     /* NULL when it is over */
  struct task *next; /* in the list where it is */
  double due;        /* asleep: until then */
  int parked;        /* waits for wake */
  int woken;         /* wake came before park */
} task;

typedef struct watch {
  int fd;  /* -1: free */
  int ref; /* of the function to call */
} watch;

typedef struct app {
  task *ready, **last_ready; /* can go on, in order */
  task *asleep;              /* the next one that is due comes first */
  int tasks;                 /* how many coroutines are not over */
  int quitting;              /* does not wait for them */
  watch watches[MAX_WATCHES];
  double next_tick;
  long ticks;
  double latest; /* of the ticks, in seconds */
  int failed;    /* a script ended with an error */
  char **script; /* its path and its arguments, up to NULL */
} app;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---------------------------------------------------------------- coroutines */

/* The task that a coroutine belongs to. NULL for the main thread and for a
** coroutine that a script made for itself: it has the extra space of the main
** thread, and only the script may resume it. */
static task **task_of(lua_State *co) {
  return (task **)lua_getextraspace(co);
}

static void make_ready(app *a, task *t) {
  t->next = NULL;
  *a->last_ready = t;
  a->last_ready = &t->next;
}

/* Makes a coroutine of the function on top of the stack, and pops it. */
static void start_task(lua_State *L, app *a) {
  task *t = lua_newuserdatauv(L, sizeof *t, 1);
  *t = (task){.co = NULL};
  t->co = lua_newthread(L);
  *task_of(t->co) = t;
  lua_setiuservalue(L, -2, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, t);
  lua_xmove(L, t->co, 1);
  a->tasks++;
  make_ready(a, t);
}

static void end_task(lua_State *L, app *a, task *t, int status) {
  if (status != LUA_OK) {
    luaL_traceback(L, t->co, luaL_tolstring(t->co, -1, NULL), 0);
    fprintf(stderr, "host_poll: %s\n", lua_tostring(L, -1));
    lua_pop(L, 1);
    a->failed = 1;
  }
  lua_resetthread(t->co); /* closes what the script left open */
  t->co = NULL;
  a->tasks--;
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, t);
}

static void resume(lua_State *L, app *a, task *t) {
  int results, status = lua_resume(t->co, L, 0, &results);
  if (status != LUA_YIELD) end_task(L, a, t, status);
}

/* Resumes what can go on now. What becomes ready by that is for the next round. */
static void run_ready(lua_State *L, app *a) {
  task *t = a->ready, *next;
  a->ready = NULL;
  a->last_ready = &a->ready;
  for (; t != NULL; t = next) {
    next = t->next;
    resume(L, a, t);
  }
}

static void wake_sleepers(app *a) {
  for (double time = now(); a->asleep != NULL && a->asleep->due <= time;) {
    task *t = a->asleep;
    a->asleep = t->next;
    make_ready(a, t);
  }
}

/* ------------------------------------------------- what the scripts can call */

static app *app_of(lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(1));
}

/* spawn(fn): runs it as a coroutine of the program. */
static int f_spawn(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  start_task(L, app_of(L));
  return 0;
}

/* sleep(seconds) */
static int f_sleep(lua_State *L) {
  task *t = *task_of(L), **place = &app_of(L)->asleep;
  double seconds = luaL_checknumber(L, 1);
  if (t == NULL) return luaL_error(L, "only a coroutine of the program can sleep");
  t->due = now() + seconds;
  while (*place != NULL && (*place)->due <= t->due)
    place = &(*place)->next;
  t->next = *place;
  *place = t;
  return lua_yield(L, 0);
}

/* quit(): the program ends after this round. Calls in flight are cancelled. */
static int f_quit(lua_State *L) {
  app_of(L)->quitting = 1;
  return 0;
}

static int end_watch(lua_State *L) {
  watch *w = lua_touserdata(L, lua_upvalueindex(1));
  if (w->fd < 0) return 0;
  luaL_unref(L, LUA_REGISTRYINDEX, w->ref);
  w->fd = -1;
  return 0;
}

/* loop.watch(fd, onReadable) returns a function that ends the watch. */
static int f_watch(lua_State *L) {
  watch *w = app_of(L)->watches;
  watch *end = w + MAX_WATCHES;
  int fd = (int)luaL_checkinteger(L, 1);
  while (w < end && w->fd >= 0)
    w++;
  if (w == end) return luaL_error(L, "too many clients");
  lua_pushlightuserdata(L, w);
  lua_pushcclosure(L, end_watch, 1);
  lua_pushvalue(L, 2);
  w->ref = luaL_ref(L, LUA_REGISTRYINDEX);
  w->fd = fd;
  return 1;
}

/* loop.token() returns the task's userdata; nil where the program does not run the
** coroutine itself. */
static int f_token(lua_State *L) {
  task *t = *task_of(L);
  if (t == NULL) return 0;
  lua_rawgetp(L, LUA_REGISTRYINDEX, t);
  return 1;
}

/* loop.park(token) leaves the coroutine until loop.wake(token). */
static int f_park(lua_State *L) {
  task *t = lua_touserdata(L, 1);
  if (t->woken) {
    t->woken = 0;
    return 0;
  }
  t->parked = 1;
  return lua_yield(L, 0);
}

/* loop.wake(token): the coroutine goes on in the loop's next round. */
static int f_wake(lua_State *L) {
  task *t = lua_touserdata(L, 1);
  if (!t->parked) {
    t->woken = 1;
  } else {
    t->parked = 0;
    make_ready(app_of(L), t);
  }
  return 0;
}

static const luaL_Reg functions[] = {
    {"spawn", f_spawn}, {"sleep", f_sleep}, {"quit", f_quit}, {NULL, NULL}};

static const luaL_Reg loop_functions[] = {
    {"watch", f_watch}, {"token", f_token}, {"park", f_park}, {"wake", f_wake}, {NULL, NULL}};

/* ------------------------------------------------------------- the poll loop */

/* The program's own work. */
static void tick(app *a) {
  double late = now() - a->next_tick;
  if (late < 0) return;
  if (late > a->latest) a->latest = late;
  a->ticks++;
  a->next_tick += TICK * (1 + floor(late / TICK));
}

/* Milliseconds until there is something to do without a descriptor. */
static int pause_of(const app *a) {
  double until = a->next_tick, left;
  if (a->ready != NULL) return 0;
  if (a->asleep != NULL && a->asleep->due < until) until = a->asleep->due;
  left = until - now();
  return left > 0 ? (int)ceil(left * 1000) : 0;
}

/* One round: waits, and does what is due. Raises what a client's step raises. */
static void run_round(lua_State *L, app *a) {
  struct pollfd fds[MAX_WATCHES];
  int readable;
  for (int i = 0; i < MAX_WATCHES; i++)
    fds[i] = (struct pollfd){.fd = a->watches[i].fd, .events = POLLIN};
  readable = poll(fds, MAX_WATCHES, pause_of(a));
  wake_sleepers(a);
  for (int i = 0; i < MAX_WATCHES && readable > 0; i++) {
    /* One that was called before may have ended this watch. */
    if (fds[i].revents == 0 || a->watches[i].fd != fds[i].fd) continue;
    lua_rawgeti(L, LUA_REGISTRYINDEX, a->watches[i].ref);
    lua_call(L, 0, 0);
  }
  run_ready(L, a);
  tick(a);
}

/* ------------------------------------------------------------ the scripts */

static const char script[] =
    "local connect = require 'cloudblue.connect.core'\n"
    "local client = connect.ConnectClient()\n"
    "client:attach(loop)\n"
    "local list = assert(client.usageRecords:search('eq(status,approved)&limit=100'))\n"
    "for i, record in ipairs(list) do\n"
    "  spawn(function()\n"
    "    local chunk, failure = client.usageRecords:close(record.id, 'POLL-' .. i)\n"
    "    if not chunk then error(failure) end\n"
    "  end)\n"
    "end\n";

static void open_libraries(lua_State *L, app *a) {
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_cjson);
  lua_setfield(L, -2, "cjson");
  lua_pushcfunction(L, luaopen_cloudblue_connect_core);
  lua_setfield(L, -2, "cloudblue.connect.core");
  lua_pushglobaltable(L);
  lua_pushlightuserdata(L, a);
  luaL_setfuncs(L, functions, 1);
  luaL_newlibtable(L, loop_functions);
  lua_pushlightuserdata(L, a);
  luaL_setfuncs(L, loop_functions, 1);
  lua_setglobal(L, "loop");
  lua_settop(L, 0);
}

/* The table `arg`: the script is its entry 0, as for lua. */
static void set_arguments(lua_State *L, app *a) {
  lua_newtable(L);
  for (int i = 0; a->script[i] != NULL; i++) {
    lua_pushstring(L, a->script[i]);
    lua_rawseti(L, -2, i);
  }
  lua_setglobal(L, "arg");
}

/* Runs in protected mode. Argument: the app. */
static int run(lua_State *L) {
  app *a = lua_touserdata(L, 1);
  const char *path = a->script[0];
  int status = path != NULL ? luaL_loadfile(L, path)
                            : luaL_loadbufferx(L, script, sizeof script - 1, "=script", "t");
  if (status != LUA_OK) return lua_error(L);
  start_task(L, a);
  open_libraries(L, a);
  set_arguments(L, a);
  a->next_tick = now() + TICK;
  while (a->tasks > 0 && !a->quitting)
    run_round(L, a);
  return 0;
}

/* Message handler: an error object becomes the line that it prints as. */
static int describe(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  return 1;
}

int main(int argc, char **argv) {
  app a = {.last_ready = &a.ready, .script = argv + (argc > 0)};
  lua_State *L = luaL_newstate();
  int status;
  if (L == NULL) {
    fputs("host_poll: not enough memory\n", stderr);
    return 1;
  }
  for (int i = 0; i < MAX_WATCHES; i++)
    a.watches[i].fd = -1;
  *task_of(L) = NULL;
  lua_pushcfunction(L, describe);
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, &a);
  status = lua_pcall(L, 1, 0, 1);
  if (status != LUA_OK) fprintf(stderr, "host_poll: %s\n", lua_tostring(L, -1));
  lua_close(L); /* the clients end their watches while the app is still there */
  printf("%ld ticks, the latest %.1f ms late\n", a.ticks, a.latest * 1000);
  return status != LUA_OK || a.failed;
}
