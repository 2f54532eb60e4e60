/*
** cbl_client.c - the ConnectClient userdata: creation, properties, hooks, end.
*/
#include "cbl_client.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cbc_header.h"
#include "cbc_url.h"
#include "cbl_aux.h"
#include "cbl_options.h"
#include "cbl_state.h"
#include "cbl_version.h"

#define DEFAULT_ENDPOINT "https://api.connect.cloudblue.com/public/v1"

/* ==== Options ========================================================= */

typedef struct settings {
  cbl_limits limits;        /* first: see CBL_LIMITS */
  lua_Integer max_response; /* bytes */
  lua_Integer max_connections;
  const char *proxy, *ca_file, *ca_path, *client_cert, *client_key, *user_agent;
  bool allow_plain, http2;
} settings;

static const settings defaults = {
    .limits = {.timeout = 60, .connect_timeout = 10, .deadline = 300, .retries = 3},
    .max_response = (lua_Integer)64 * 1024 * 1024,
    .max_connections = 64};

/* In the form with one table, endpoint and key stand among the options. */
/* clang-format off */
static const cbl_option options_with_endpoint[] = {
  {"endpoint",         CBL_ANY,     0},
  {"apiKey",           CBL_ANY,     0},
  CBL_LIMITS,
  {"maxResponseBytes", CBL_SIZE,    offsetof(settings, max_response)},
  {"maxConnections",   CBL_SIZE,    offsetof(settings, max_connections)},
  {"proxy",            CBL_STRING,  offsetof(settings, proxy)},
  {"caFile",           CBL_STRING,  offsetof(settings, ca_file)},
  {"caPath",           CBL_STRING,  offsetof(settings, ca_path)},
  {"clientCert",       CBL_STRING,  offsetof(settings, client_cert)},
  {"clientKey",        CBL_STRING,  offsetof(settings, client_key)},
  {"allowPlainHttp",   CBL_FLAG,    offsetof(settings, allow_plain)},
  {"http2",            CBL_FLAG,    offsetof(settings, http2)},
  {"userAgent",        CBL_STRING,  offsetof(settings, user_agent)},
  {"headers",          CBL_ANY,     0},
  CBL_NO_MORE};
/* clang-format on */

/* Without the two of them. */
static const cbl_option *const options_alone = options_with_endpoint + 2;

/* Puts the arguments of either form into one order: 1 endpoint, 2 key, 3 table
** of options or nil. Returns the number by which messages call an argument. */
static bool order_arguments(lua_State *L) {
  bool table = lua_istable(L, 1);
  cbl_checklast(L, table ? 1 : 3);
  if (!table) {
    lua_settop(L, 3);
    if (!lua_isnil(L, 3)) luaL_checktype(L, 3, LUA_TTABLE);
    return false;
  }
  lua_settop(L, 1);
  lua_pushliteral(L, "endpoint");
  lua_rawget(L, 1);
  lua_pushliteral(L, "apiKey");
  lua_rawget(L, 1);
  lua_rotate(L, 1, -1);
  return true;
}

/* The string at index, or what the environment has, or a default (NULL: none). */
static const char *choose(lua_State *L, int index, int arg, const char *name, const char *variable,
                          const char *fallback) {
  const char *value = getenv(variable);
  if (!lua_isnil(L, index)) {
    if (lua_type(L, index) != LUA_TSTRING)
      luaL_argerror(
          L, arg, lua_pushfstring(L, "%s must be a string, got %s", name, luaL_typename(L, index)));
    return lua_tostring(L, index);
  }
  lua_pushstring(L, value != NULL && *value != '\0' ? value : fallback);
  lua_replace(L, index);
  if (lua_isnil(L, index))
    luaL_argerror(L, arg, lua_pushfstring(L, "%s is missing; give it or set %s", name, variable));
  return lua_tostring(L, index);
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

/* A key that HTTP would change on its way (RFC 9110, 5.5: blanks around a value
** are no part of it) is another key. */
static void check_key(lua_State *L, int arg, int index) {
  cbc_error err;
  size_t n;
  const char *key = lua_tolstring(L, index, &n);
  if (n == 0) luaL_argerror(L, arg, "apiKey is empty");
  if (is_blank(key[0]) || is_blank(key[n - 1]))
    luaL_argerror(L, arg, "apiKey begins or ends with a blank, which HTTP does not carry");
  if (cbc_header_check_value(key, n, &err) != CBC_OK)
    luaL_argerror(L, arg, lua_pushfstring(L, "apiKey %s", err.message));
}

static void read_endpoint(lua_State *L, int arg, int index, const settings *s,
                          cbc_client_options *o) {
  cbc_error err;
  cbc_endpoint e = {0};
  size_t n;
  o->endpoint = lua_tolstring(L, index, &n);
  if (cbc_url_endpoint(o->endpoint, n, s->allow_plain, &e, &err) != CBC_OK)
    luaL_argerror(L, arg, lua_pushfstring(L, "endpoint %s", err.message));
  o->endpoint_size = e.size;
  o->transport.origin = o->endpoint;
  o->transport.origin_size = e.origin;
  o->transport.plain = e.plain;
}

/* What libcurl is to read: without this, every attempt of every call would meet
** the error. */
static void check_file(lua_State *L, int arg, const char *option, const char *path) {
  if (path != NULL && access(path, R_OK) != 0)
    luaL_argerror(
        L, arg,
        lua_pushfstring(L, "option '%s': can't read '%s': %s", option, path, strerror(errno)));
}

static void check_files(lua_State *L, int arg, const settings *s) {
  check_file(L, arg, "caFile", s->ca_file);
  check_file(L, arg, "caPath", s->ca_path);
  check_file(L, arg, "clientCert", s->client_cert);
  check_file(L, arg, "clientKey", s->client_key);
  if (s->client_key != NULL && s->client_cert == NULL)
    luaL_argerror(L, arg, "option 'clientKey' goes with a 'clientCert', which is missing");
}

/* Pushes the User-Agent: ours, and what the caller adds. */
static const char *push_user_agent(lua_State *L, const char *more) {
  return lua_pushfstring(L, "cloudblue-connect-lua/" CBL_VERSION "%s%s", more != NULL ? " " : "",
                         more != NULL ? more : "");
}

static void fill_options(lua_State *L, const settings *s, cbc_client_options *o) {
  o->policy = cbl_limits_policy(&s->limits);
  o->transport.key = lua_tostring(L, 2);
  o->transport.user_agent = push_user_agent(L, s->user_agent);
  o->transport.connect_timeout = s->limits.connect_timeout;
  o->transport.max_response = (size_t)s->max_response;
  o->transport.max_connections = (long)(s->max_connections < 100000 ? s->max_connections : 100000);
  o->transport.http2 = s->http2;
  o->transport.proxy = s->proxy;
  o->transport.ca_file = s->ca_file;
  o->transport.ca_path = s->ca_path;
  o->transport.client_cert = s->client_cert;
  o->transport.client_key = s->client_key;
}

/* ==== Life ============================================================ */

int cbl_client_new(lua_State *L) {
  bool table = order_arguments(L);
  settings s = defaults;
  cbc_client_options o = {.endpoint = NULL};
  cbl_client *c;
  cbc_error err;
  if (!lua_isnil(L, 3)) {
    cbl_options_copy(L, 3);
    lua_replace(L, 3);
    cbl_options_read(L, table ? 1 : 3, 3, table ? options_with_endpoint : options_alone, &s);
  }
  check_files(L, table ? 1 : 3, &s);
  choose(L, 1, 1, "endpoint", "CONNECT_ENDPOINT", DEFAULT_ENDPOINT);
  choose(L, 2, table ? 1 : 2, "apiKey", "CONNECT_API_KEY", NULL);
  check_key(L, table ? 1 : 2, 2);
  read_endpoint(L, 1, 1, &s, &o);
  if (lua_isnil(L, 3) || lua_getfield(L, 3, "headers") == LUA_TNIL) lua_pushnil(L);
  o.transport.headers = cbl_options_headers(L, table ? 1 : 3, -1, &o.transport.header_count);
  fill_options(L, &s, &o);
  c = lua_newuserdatauv(L, sizeof *c, CBL_CLIENT_VALUES);
  *c = (cbl_client){.live.core = NULL};
  cbl_live_init(L, &c->live);
  luaL_setmetatable(L, CBL_CLIENT);
  lua_newtable(L);
  lua_setiuservalue(L, -2, CBL_RESOURCES);
  lua_newtable(L);
  lua_setiuservalue(L, -2, CBL_PARKED);
  c->live.core = cbc_client_new(cbl_env(L), &o, &err);
  if (c->live.core == NULL) {
    if (err.code == CBC_EARG) luaL_argerror(L, table ? 1 : 3, err.message);
    if (err.code == CBC_EURL) luaL_argerror(L, 1, lua_pushfstring(L, "endpoint %s", err.message));
    cbl_raise(L, &err);
  }
  return 1;
}

/* Calls the function at the top of the stack, which ends a watch of the client, and
** leaves it there. False when out of memory. */
static bool call_unwatch(lua_State *L, int idx) {
  bool ended;
  lua_getiuservalue(L, idx, CBL_ENDING);
  lua_pushvalue(L, -2);
  lua_setiuservalue(L, idx, CBL_ENDING);
  lua_pushvalue(L, -2);
  ended = cbl_callquietly(L, 0) != LUA_ERRMEM;
  lua_setiuservalue(L, idx, CBL_ENDING);
  return ended;
}

bool cbl_client_end_watch(lua_State *L, int idx) {
  bool ended = true;
  if (lua_rawgeti(L, -1, CBL_LOOP_UNWATCH) == LUA_TFUNCTION) {
    lua_pushboolean(L, false);
    lua_rawseti(L, -3, CBL_LOOP_UNWATCH);
    ended = call_unwatch(L, idx);
    if (!ended) {
      lua_pushvalue(L, -1);
      lua_rawseti(L, -3, CBL_LOOP_UNWATCH);
    }
  }
  lua_pop(L, 2);
  return ended;
}

void cbl_client_unwatch(lua_State *L, int idx) {
  if (lua_getiuservalue(L, idx, CBL_LOOP) != LUA_TNIL)
    cbl_client_end_watch(L, idx);
  else
    lua_pop(L, 1);
}

static int client_gc(lua_State *L) {
  cbl_client *c = luaL_checkudata(L, 1, CBL_CLIENT);
  cbc_client *core = c->live.core;
  c->live.core = NULL;
  cbl_live_leave(&c->live, true);
  cbl_client_unwatch(L, 1);
  cbc_client_free(core);
  return 0;
}

cbl_client *cbl_client_check(lua_State *L, int arg) {
  cbl_client *c = arg == 1 ? cbl_checkself(L, CBL_CLIENT) : luaL_checkudata(L, arg, CBL_CLIENT);
  if (c->live.core == NULL || cbc_client_closed(c->live.core))
    cbl_argerror(L, arg, "the client is closed");
  return c;
}

cbc_client *cbl_client_core(lua_State *L, int idx) {
  cbl_client *c = lua_touserdata(L, idx);
  /* core is NULL in a finalizer that comes after the client's. */
  if (c->live.core == NULL || cbc_client_closed(c->live.core))
    luaL_error(L, "the client is closed");
  return c->live.core;
}

bool cbl_client_finds_secret(const cbl_client *c, const char *bytes, size_t n) {
  return c->live.core != NULL && cbc_client_has_secret(c->live.core, bytes, n);
}

void cbl_client_mask(lua_State *L, const cbl_client *c) {
  size_t n;
  const char *s = lua_tolstring(L, -1, &n);
  luaL_Buffer b;
  char *copy;
  if (!cbl_client_finds_secret(c, s, n)) return;
  copy = luaL_buffinitsize(L, &b, n);
  memcpy(copy, s, n);
  cbc_client_mask(c->live.core, copy, n);
  luaL_pushresultsize(&b, n);
  lua_remove(L, -2);
}

/* ==== Methods ========================================================= */

/* Appends the function at argument 2 to the client's hooks of a kind. */
static int add_hook(lua_State *L, int kind) {
  cbl_client *c = cbl_client_check(L, 1);
  if (!lua_isfunction(L, 2)) cbl_typeerror(L, 2, "hook", "a function", 2);
  cbl_checklast(L, 2);
  if (lua_getiuservalue(L, 1, kind) == LUA_TNIL) {
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, kind);
  }
  lua_pushvalue(L, 2);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  c->hooked[kind - CBL_BEFORE] = true;
  return 0;
}

static int add_before_hook(lua_State *L) {
  return add_hook(L, CBL_BEFORE);
}

static int add_after_hook(lua_State *L) {
  return add_hook(L, CBL_AFTER);
}

static int client_tostring(lua_State *L) {
  cbl_client *c = luaL_checkudata(L, 1, CBL_CLIENT);
  if (c->live.core == NULL || cbc_client_closed(c->live.core))
    lua_pushliteral(L, "ConnectClient (closed)");
  else
    lua_pushfstring(L, "ConnectClient (%s)", cbc_client_endpoint(c->live.core));
  return 1;
}

/* Its address is the key of the table of methods in the metatable. */
static const char methods_key = 0;

void cbl_client_open(lua_State *L, lua_CFunction index, lua_CFunction close) {
  const luaL_Reg metamethods[] = {
      {"__gc", client_gc}, {"__close", close}, {"__tostring", client_tostring}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"addBeforeRequestHook", add_before_hook},
                                     {"addAfterResponseHook", add_after_hook},
                                     {NULL, NULL}};
  cbl_newclass(L, CBL_CLIENT, metamethods, index, &methods_key);
  cbl_setmethods(L, methods);
}
