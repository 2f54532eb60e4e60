/*
** host.c - a program that hosts Lua and closes usage records from it.
**
** The module and lua-cjson are linked in, so that Lua loads nothing: the state
** gets the base library, string, table and coroutine, and no way to files,
** programs or modules (io, os, package, debug). Build it with `make hosts`.
**
**   host [ENDPOINT KEY]      else CONNECT_ENDPOINT and CONNECT_API_KEY are taken
*/
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

#include "cloudblue_connect.h"

/* lua-cjson's library has this function; not every system has its header. */
int luaopen_cjson(lua_State *L);

/* What an automation may look like. It gets the module, endpoint and key. */
static const char script[] =
    "local connect, endpoint, key = ...\n"
    "local client <close> = connect.ConnectClient(endpoint, key)\n"
    "local records = client.usageRecords\n"
    "local open = assert(records:search('eq(status,approved)&limit=3'))\n"
    "for i, record in ipairs(open) do\n"
    "  local chunk, failure = records:close(record.id, 'HOST-' .. i, 'closed by a host program')\n"
    "  if not chunk then error(failure) end\n"
    "  print(chunk)\n"
    "end\n"
    "return #open\n";

/* Opens the libraries. Each is known by its name to whatever asks for it in the
** state: the module looks for "cjson" among them. Raises when out of memory. */
static void open_libraries(lua_State *L) {
  static const struct {
    const char *name;
    lua_CFunction open;
    int global; /* also a global variable of that name */
  } libraries[] = {{LUA_GNAME, luaopen_base, 1},
                   {LUA_STRLIBNAME, luaopen_string, 1},
                   {LUA_TABLIBNAME, luaopen_table, 1},
                   {LUA_COLIBNAME, luaopen_coroutine, 1},
                   {"cjson", luaopen_cjson, 0},
                   {"cloudblue.connect.core", luaopen_cloudblue_connect_core, 0}};
  for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
    luaL_requiref(L, libraries[i].name, libraries[i].open, libraries[i].global);
    /* The last one stays on the stack: it is handed to the script. */
    if (i + 1 < sizeof libraries / sizeof *libraries) lua_pop(L, 1);
  }
}

/* What main hands to Lua. */
typedef struct task {
  const char *endpoint, *key; /* NULL: the module says what is missing */
  int closed;                 /* how many records the script closed */
} task;

/* Runs in protected mode: errors of Lua's libraries and of the script, the lack
** of memory among them, come back to main. Argument: the task. */
static int run(lua_State *L) {
  task *t = lua_touserdata(L, 1);
  if (luaL_loadbufferx(L, script, sizeof script - 1, "=script", "t") != LUA_OK) lua_error(L);
  open_libraries(L);
  lua_pushstring(L, t->endpoint);
  lua_pushstring(L, t->key);
  lua_call(L, 3, 1);
  t->closed = (int)lua_tointeger(L, -1);
  return 0;
}

/* Message handler: an error object, such as a failure of the module, becomes
** the line that it prints as. */
static int describe(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  return 1;
}

/* The n-th argument, or the environment's, or NULL. */
static const char *choose(int argc, char **argv, int n, const char *variable) {
  return argc > n ? argv[n] : getenv(variable);
}

int main(int argc, char **argv) {
  task t = {.endpoint = choose(argc, argv, 1, "CONNECT_ENDPOINT"),
            .key = choose(argc, argv, 2, "CONNECT_API_KEY")};
  lua_State *L = luaL_newstate();
  int status;
  if (L == NULL) {
    fputs("host: not enough memory\n", stderr);
    return 1;
  }
  /* None of these allocates, so none can fail outside protected mode. */
  lua_pushcfunction(L, describe);
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, &t);
  status = lua_pcall(L, 1, 0, 1);
  if (status == LUA_OK)
    printf("%d records closed\n", t.closed);
  else
    fprintf(stderr, "host: %s\n", lua_tostring(L, -1));
  lua_close(L);
  return status == LUA_OK ? 0 : 1;
}
