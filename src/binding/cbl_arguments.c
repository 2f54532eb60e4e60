/*
** cbl_arguments.c - the arguments of an action.
*/
#include "cbl_arguments.h"

#include "cbl_body.h"
#include "cbl_json.h"
#include "cbl_query.h"

static int index_of(const cbl_arguments *a, int param) {
  return a->first + param;
}

static int bad_argument(lua_State *L, int arg, const char *name, const char *what) {
  return luaL_argerror(L, arg, lua_pushfstring(L, "%s %s", name, what));
}

static cbc_segment check_string(lua_State *L, int arg, const char *name) {
  cbc_segment s;
  if (lua_type(L, arg) != LUA_TSTRING)
    bad_argument(L, arg, name,
                 lua_pushfstring(L, "must be a string, got %s",
                                 lua_isnone(L, arg) ? "nothing" : luaL_typename(L, arg)));
  s.bytes = lua_tolstring(L, arg, &s.size);
  return s;
}

static cbc_segment check_id(lua_State *L, int arg, const char *name) {
  cbc_segment id = check_string(L, arg, name);
  cbc_error err;
  if (cbc_url_check_id(id.bytes, id.size, &err) != CBC_OK) bad_argument(L, arg, name, err.message);
  return id;
}

/* A string that goes into the body, or nil. */
static cbc_segment check_field(lua_State *L, int arg, const cbl_param *p) {
  cbc_segment s = {NULL, 0};
  if (lua_isnoneornil(L, arg)) return s;
  s = check_string(L, arg, p->name);
  if (!cbl_body_is_utf8(s.bytes, s.size)) bad_argument(L, arg, p->name, "is not UTF-8");
  if (p->kind == CBL_PARAM_BILLING && s.size == 0)
    bad_argument(L, arg, p->name, "is empty; pass nil to close without one");
  return s;
}

/* Checks a table for a body and pushes its JSON text. */
static void check_object(lua_State *L, cbl_arguments *a, int arg, const cbl_param *p) {
  if (p->kind == CBL_PARAM_ANY_BODY && lua_isnoneornil(L, arg)) return;
  if (!lua_istable(L, arg))
    bad_argument(L, arg, p->name,
                 lua_pushfstring(L, "must be a table, got %s",
                                 lua_isnone(L, arg) ? "nothing" : luaL_typename(L, arg)));
  cbl_body_check(L, arg, arg);
  lua_pushvalue(L, arg);
  cbl_json_encode(L);
  a->body = lua_gettop(L);
}

/* A string that goes as a part of its own, or nil. */
static void check_part(lua_State *L, cbl_arguments *a, int arg, const cbl_param *p) {
  cbc_segment s = check_field(L, arg, p);
  if (s.bytes != NULL)
    a->parts[a->part_count++] = (cbc_part){.name = p->field, .data = s.bytes, .data_size = s.size};
}

/* The options of one call. */
static void check_options(lua_State *L, cbl_arguments *a, int arg) {
  static const cbl_option options[] = {CBL_LIMITS, {"onProgress", CBL_ANY, 0}, {NULL, CBL_ANY, 0}};
  if (lua_isnoneornil(L, arg)) return;
  luaL_checktype(L, arg, LUA_TTABLE);
  cbl_options_read(L, arg, arg, options, &a->limits);
  if (lua_getfield(L, arg, "onProgress") == LUA_TNIL) return;
  if (!lua_isfunction(L, -1))
    luaL_argerror(
        L, arg,
        lua_pushfstring(L, "option 'onProgress' must be a function, got %s", luaL_typename(L, -1)));
  a->progress = lua_gettop(L);
}

static void check_argument(lua_State *L, cbl_arguments *a, int arg, const cbl_param *p,
                           const cbc_env *env) {
  switch (p->kind) {
  case CBL_PARAM_ID:
    a->ids[a->id_count++] = check_id(L, arg, p->name);
    if (a->id_count == 1) a->subject = a->ids[0];
    break;
  case CBL_PARAM_ASIDE:
    check_id(L, arg, p->name);
    break;
  case CBL_PARAM_SUBJECT:
    a->subject = check_id(L, arg, p->name);
    break;
  case CBL_PARAM_BILLING:
    a->billing = check_field(L, arg, p);
    break;
  case CBL_PARAM_FIELD:
    check_field(L, arg, p);
    break;
  case CBL_PARAM_OBJECT:
  case CBL_PARAM_ANY_BODY:
    check_object(L, a, arg, p);
    break;
  case CBL_PARAM_FILTER:
    a->query = cbl_query_push(L, arg, arg, arg + 1) ? lua_gettop(L) : 0;
    break;
  case CBL_PARAM_FILE:
    cbl_files_read_source(L, arg, p->field, env, &a->files, &a->parts[a->part_count++]);
    break;
  case CBL_PARAM_PART:
    check_part(L, a, arg, p);
    break;
  case CBL_PARAM_TARGET:
    cbl_files_read_target(L, arg, env, &a->files);
    break;
  case CBL_PARAM_OPTIONS:
    check_options(L, a, arg);
    break;
  case CBL_PARAM_NONE:
    break;
  }
}

/* Pushes the body made of the fields among the arguments, in the order of the
** row; absent ones are left out. */
static void push_fields(lua_State *L, cbl_arguments *a) {
  const cbl_param *p = a->action->params;
  bool list = a->action->shape == CBL_SHAPE_LIST;
  const char *separator = "";
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  luaL_addstring(&b, list ? "[{" : "{");
  for (int i = 0; p[i].kind != CBL_PARAM_NONE; i++) {
    if (p[i].field == NULL || lua_isnoneornil(L, index_of(a, i))) continue;
    luaL_addstring(&b, separator);
    luaL_addchar(&b, '"');
    luaL_addstring(&b, p[i].field);
    luaL_addstring(&b, "\":");
    cbl_json_add_string(L, &b, index_of(a, i));
    separator = ",";
  }
  luaL_addstring(&b, list ? "}]" : "}");
  luaL_pushresult(&b);
  a->body = lua_gettop(L);
}

void cbl_arguments_read(lua_State *L, cbl_arguments *a, const cbl_action *action, int first,
                        const cbc_client *client) {
  *a = (cbl_arguments){.action = action, .first = first};
  a->limits = cbl_limits_of(cbc_client_policy(client));
  for (int i = 0; action->params[i].kind != CBL_PARAM_NONE; i++)
    check_argument(L, a, index_of(a, i), &action->params[i], cbc_client_env(client));
  if (action->shape != CBL_SHAPE_NONE) push_fields(L, a);
}
