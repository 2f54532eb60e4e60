/*
** cbl_options.c - tables of options.
*/
#include "cbl_options.h"

#include <curl/curl.h>
#include <math.h>
#include <string.h>

#include "cbc_header.h"
#include "cbl_aux.h"
#include "cbl_nearest.h"

/* Most further attempts. */
#define COUNT_MOST 1000

/* ==== Values ========================================================== */

/* What is wrong with an option is pushed, and false returned. */

static bool is_unknown(lua_State *L, const char *name, const cbl_option *options) {
  cbl_nearest nearest = cbl_nearest_to(name);
  for (const cbl_option *o = options; o->name != NULL; o++)
    cbl_nearest_offer(&nearest, o->name);
  cbl_nearest_push_message(L, &nearest);
  return false;
}

/* The value is at the top of the stack. */
static bool is_wrong(lua_State *L, const char *name, const char *must) {
  const char *got =
      lua_type(L, -1) == LUA_TNUMBER ? luaL_tolstring(L, -1, NULL) : luaL_typename(L, -1);
  lua_pushfstring(L, "option '%s' must be %s, got %s", name, must, got);
  return false;
}

static bool read_seconds(lua_State *L, const char *name, double *seconds) {
  *seconds = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
  if (*seconds > 0 && !isinf(*seconds)) return true;
  return is_wrong(L, name, "a number of seconds over 0");
}

static bool read_integer(lua_State *L, const char *name, lua_Integer least, lua_Integer most,
                         const char *must, lua_Integer *n) {
  int ok = 0;
  *n = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &ok) : 0;
  return (ok && *n >= least && *n <= most) || is_wrong(L, name, must);
}

static bool read_string(lua_State *L, const char *name, const char **s) {
  size_t n;
  cbc_error err;
  if (lua_type(L, -1) != LUA_TSTRING) return is_wrong(L, name, "a string");
  *s = lua_tolstring(L, -1, &n);
  if (n > 0 && cbc_header_check_value(*s, n, &err) == CBC_OK) return true;
  lua_pushfstring(L, "option '%s' %s", name, n == 0 ? "is empty" : err.message);
  return false;
}

/* The value is at the top of the stack. */
static bool read_value(lua_State *L, const cbl_option *o, void *target) {
  void *field = (char *)target + o->offset;
  switch (o->kind) {
  case CBL_SECONDS:
    return read_seconds(L, o->name, field);
  case CBL_COUNT:
    return read_integer(L, o->name, 0, COUNT_MOST, "an integer from 0 to 1000", field);
  case CBL_SIZE:
    return read_integer(L, o->name, 1, LUA_MAXINTEGER, "an integer from 1", field);
  case CBL_STRING:
    return read_string(L, o->name, field);
  case CBL_FLAG:
    if (!lua_isboolean(L, -1)) return is_wrong(L, o->name, "true or false");
    *(bool *)field = lua_toboolean(L, -1);
    return true;
  case CBL_FUNCTION:
    return lua_isfunction(L, -1) || is_wrong(L, o->name, "a function");
  case CBL_ANY:
    return true;
  }
  return true;
}

static const cbl_option *find(const cbl_option *options, const char *name) {
  for (; options->name != NULL; options++)
    if (strcmp(options->name, name) == 0) return options;
  return NULL;
}

/* A name has no NUL byte: what stands behind one would not be compared. */
static bool is_name(lua_State *L, int idx) {
  return lua_type(L, idx) == LUA_TSTRING && strlen(lua_tostring(L, idx)) == lua_rawlen(L, idx);
}

void cbl_options_copy(lua_State *L, int idx) {
  idx = lua_absindex(L, idx);
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, idx) != 0;) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
  }
}

/* As cbl_options_read, but where that raises, what is wrong is at the top of the
** stack then, and false returned. */
static bool try_read(lua_State *L, int idx, const cbl_option *options, void *target) {
  idx = lua_absindex(L, idx);
  for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1)) {
    const cbl_option *o;
    if (!is_name(L, -2)) {
      lua_pushliteral(L, CBL_NO_NAME);
      return false;
    }
    o = find(options, lua_tostring(L, -2));
    if (o == NULL) return is_unknown(L, lua_tostring(L, -2), options);
    if (!read_value(L, o, target)) return false;
  }
  return true;
}

void cbl_options_read(lua_State *L, int arg, int idx, const cbl_option *options, void *target) {
  if (!try_read(L, idx, options, target)) cbl_argerror(L, arg, lua_tostring(L, -1));
}

int cbl_options_read_limits(lua_State *L) {
  static const cbl_option options[] = {CBL_LIMITS, CBL_NO_MORE};
  cbl_limits limits;
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  if (lua_istable(L, 1)) {
    cbl_options_copy(L, 1);
    if (try_read(L, 2, options, &limits)) return 1;
  } else {
    lua_pushfstring(L, "options must be a table, got %s", luaL_typename(L, 1));
  }
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

cbl_limits cbl_limits_of(const cbc_policy *policy) {
  return (cbl_limits){
      .timeout = policy->timeout, .deadline = policy->deadline, .retries = policy->retries};
}

cbc_policy cbl_limits_policy(const cbl_limits *limits) {
  return (cbc_policy){limits->timeout, limits->deadline, (int)limits->retries};
}

/* ==== Headers ========================================================= */

/* Headers that the module or libcurl writes; a second one would contradict it. */
static bool is_reserved(const char *name) {
  static const char *const reserved[] = {
      "Authorization",     "Proxy-Authorization", "Content-Type", "Content-Length",  "Host",
      "Transfer-Encoding", "Connection",          "Expect",       "Accept-Encoding", "User-Agent"};
  for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
    /* In some locales, strcasecmp holds I and i for two letters. */
    if (curl_strequal(reserved[i], name)) return true;
  return false;
}

static cbc_field read_header(lua_State *L, int arg) {
  cbc_error err;
  cbc_field field;
  size_t name_size, value_size;
  if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
    cbl_argerror(L, arg, "headers must be a table of names and string values");
  field.name = lua_tolstring(L, -2, &name_size);
  field.value = lua_tolstring(L, -1, &value_size);
  if (cbc_header_check_name(field.name, name_size, &err) != CBC_OK)
    cbl_argerror(L, arg, lua_pushfstring(L, "the name of a header %s", err.message));
  if (is_reserved(field.name))
    cbl_argerror(
        L, arg,
        lua_pushfstring(L, "header '%s' is written by the module and can't be given", field.name));
  if (cbc_header_check_value(field.value, value_size, &err) != CBC_OK)
    cbl_argerror(L, arg, lua_pushfstring(L, "header '%s' %s", field.name, err.message));
  return field;
}

/* The bytes that the headers at idx need with their terminators; *count: how many
** there are. Every one is checked. */
static size_t measure_headers(lua_State *L, int arg, int idx, size_t *count) {
  size_t size = 0;
  *count = 0;
  for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1)) {
    read_header(L, arg);
    size += lua_rawlen(L, -2) + lua_rawlen(L, -1) + 2;
    ++*count;
  }
  return size;
}

static char *copy_bytes(char *to, const char **field, const char *bytes) {
  size_t n = strlen(bytes) + 1;
  *field = memcpy(to, bytes, n);
  return to + n;
}

const cbc_field *cbl_options_headers(lua_State *L, int arg, int idx, size_t *count) {
  cbc_field *fields, *next;
  size_t size;
  char *bytes;
  *count = 0;
  if (lua_isnil(L, idx)) {
    lua_pushnil(L);
    return NULL;
  }
  if (!lua_istable(L, idx))
    cbl_argerror(L, arg, "headers must be a table of names and string values");
  /* A copy, so that what was measured is what is copied. */
  cbl_options_copy(L, idx);
  idx = lua_gettop(L);
  size = measure_headers(L, arg, idx, count);
  fields = next = lua_newuserdatauv(L, *count * sizeof *fields + size + 1, 0);
  bytes = (char *)(fields + *count);
  for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1)) {
    cbc_field header = read_header(L, arg);
    bytes = copy_bytes(bytes, &next->name, header.name);
    bytes = copy_bytes(bytes, &next->value, header.value);
    next++;
  }
  lua_remove(L, idx);
  return fields;
}
