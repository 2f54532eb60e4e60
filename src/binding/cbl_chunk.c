/*
** cbl_chunk.c - the UsageChunk userdata.
*/
#include "cbl_chunk.h"

#include <string.h>

#include "cbl_action.h"
#include "cbl_client.h"
#include "cbl_json.h"
#include "cbl_resource.h"
#include "cbl_scan.h"
#include "cbl_shared.h"

typedef struct chunk {
  bool confirmed;
  cbl_outline outline; /* of the raw bytes; used until they are decoded */
} chunk;

/* ==== Fields ========================================================== */

/* Pushes the decoded table of the chunk at index idx, decoding it the first
** time. */
static void push_data(lua_State *L, int idx) {
  idx = lua_absindex(L, idx);
  if (lua_getiuservalue(L, idx, CBL_CHUNK_DATA) == LUA_TTABLE) return;
  lua_getiuservalue(L, idx, CBL_CHUNK_RAW);
  if (!cbl_json_decode(L)) lua_error(L); /* plain text decodes: cbl_scan.h */
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, idx, CBL_CHUNK_DATA);
  lua_replace(L, -3);
  lua_pop(L, 1);
}

/* Pushes the field of the data of the chunk at 1; JSON null as nil. */
static void push_decoded(lua_State *L, int key) {
  push_data(L, 1);
  lua_pushvalue(L, key);
  lua_rawget(L, -2);
  lua_remove(L, -2);
  if (!lua_islightuserdata(L, -1)) return;
  lua_pop(L, 1);
  lua_pushnil(L);
}

/* Pushes the field from the text at the top of the stack; false, pushing
** nothing, where it takes decoding. */
static bool push_scanned(lua_State *L, const chunk *c, const char *name, size_t name_size) {
  const char *s = lua_tostring(L, -1);
  const cbl_field *f = cbl_outline_find(&c->outline, s, name, name_size);
  cbl_field_kind kind = f != NULL ? cbl_field_kind_of(f, s) : CBL_FIELD_NULL;
  switch (kind) {
  case CBL_FIELD_STRING:
    lua_pushlstring(L, s + f->value + 1, f->value_size - 2);
    return true;
  case CBL_FIELD_TRUE:
  case CBL_FIELD_FALSE:
    lua_pushboolean(L, kind == CBL_FIELD_TRUE);
    return true;
  case CBL_FIELD_NULL:
    lua_pushnil(L);
    return true;
  default:
    return false;
  }
}

/* Pushes the field of the chunk c at 1 whose key is at index key. */
static void push_field(lua_State *L, const chunk *c, int key) {
  if (lua_getiuservalue(L, 1, CBL_CHUNK_DATA) == LUA_TNIL && lua_type(L, key) == LUA_TSTRING) {
    size_t n;
    const char *name = lua_tolstring(L, key, &n);
    lua_getiuservalue(L, 1, CBL_CHUNK_RAW);
    if (push_scanned(L, c, name, n)) return;
  }
  push_decoded(L, key);
}

/* Upvalue: the table of methods, which win over fields. */
static int chunk_index(lua_State *L) {
  chunk *c = luaL_checkudata(L, 1, CBL_CHUNK);
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  if (strcmp(key, "data") == 0) {
    push_data(L, 1);
  } else if (strcmp(key, "raw") == 0) {
    lua_getiuservalue(L, 1, CBL_CHUNK_RAW);
  } else if (strcmp(key, "confirmed") == 0 && c->confirmed) {
    lua_pushboolean(L, 1);
  } else {
    push_field(L, c, 2);
  }
  return 1;
}

/* Iterator over the data, skipping what reads as nil. Upvalue: the data. */
static int next_field(lua_State *L) {
  lua_settop(L, 2);
  while (lua_next(L, lua_upvalueindex(1)) != 0) {
    if (!lua_islightuserdata(L, -1)) return 2;
    lua_pop(L, 1);
  }
  lua_pushnil(L);
  return 1;
}

static int chunk_pairs(lua_State *L) {
  luaL_checkudata(L, 1, CBL_CHUNK);
  push_data(L, 1);
  lua_pushcclosure(L, next_field, 1);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

/* Pushes the field as a string for printing; "?" when it is none. */
static const char *push_shown(lua_State *L, const char *name) {
  lua_pushstring(L, name);
  push_decoded(L, lua_gettop(L));
  return lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "?";
}

/* UsageChunk UR-1 (closed) */
static int chunk_tostring(lua_State *L) {
  const char *id, *status;
  luaL_checkudata(L, 1, CBL_CHUNK);
  id = push_shown(L, "id");
  status = push_shown(L, "status");
  lua_pushfstring(L, "UsageChunk %s (%s)", id, status);
  return 1;
}

void cbl_chunk_push_id(lua_State *L, int arg, int idx) {
  push_data(L, idx);
  if (lua_getfield(L, -1, "id") != LUA_TSTRING) luaL_argerror(L, arg, "this chunk has no id");
  lua_remove(L, -2);
}

/* ==== Methods ========================================================= */

static const cbl_class *chunk_class(void) {
  const cbl_class *c = cbl_classes;
  while (strcmp(c->name, "UsageChunkResource") != 0)
    c++;
  return c;
}

/* A method that is the action of the collection of chunks on this one's id.
** Upvalues: the row; the place of the id among its arguments is the first. */
static int perform_on_chunk(lua_State *L) {
  const cbl_action *action = lua_touserdata(L, lua_upvalueindex(1));
  int client;
  luaL_checkudata(L, 1, CBL_CHUNK);
  if (lua_gettop(L) < CBL_PARAMS_MAX) lua_settop(L, CBL_PARAMS_MAX);
  lua_getiuservalue(L, 1, CBL_CHUNK_CLIENT);
  client = lua_gettop(L);
  cbl_chunk_push_id(L, 1, 1);
  /* The id takes the chunk's place, so the arguments stand as in the row. */
  lua_copy(L, -1, 1);
  lua_pop(L, 1);
  return cbl_action_perform(L, action, chunk_class()->base_uri, client, 1);
}

static const cbl_action *find_action(const char *name) {
  const cbl_action *a = chunk_class()->actions;
  while (strcmp(a->name, name) != 0)
    a++;
  return a;
}

/* Pushes the table of methods: name in Lua, name of the action. */
static void push_methods(lua_State *L) {
  static const char *const methods[][2] = {{"close", "close"},
                                           {"download", "download"},
                                           {"regenerate", "regenerate"},
                                           {"refresh", "get"}};
  lua_newtable(L);
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    lua_pushlightuserdata(L, (void *)find_action(methods[i][1]));
    lua_pushcclosure(L, perform_on_chunk, 1);
    lua_setfield(L, -2, methods[i][0]);
  }
}

/* ==== Making ========================================================== */

void cbl_chunk_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"__pairs", chunk_pairs}, {"__tostring", chunk_tostring}, {NULL, NULL}};
  if (cbl_type_begin(L, CBL_CHUNK, functions)) {
    push_methods(L);
    lua_pushcclosure(L, chunk_index, 1);
    lua_setfield(L, -2, "__index");
  }
  cbl_type_end(L, CBL_CHUNK);
}

/* Makes a chunk with the user values at the top of the stack, bytes and table
** in this order, and pops them. */
static void push_chunk(lua_State *L, int client, bool confirmed, const cbl_outline *outline) {
  size_t fields = outline->count * sizeof *outline->fields;
  chunk *c = lua_newuserdatauv(L, sizeof *c + fields, CBL_CHUNK_VALUES);
  c->confirmed = confirmed;
  memcpy(&c->outline, outline, sizeof *outline + fields);
  lua_insert(L, -3);
  lua_setiuservalue(L, -3, CBL_CHUNK_DATA);
  lua_setiuservalue(L, -2, CBL_CHUNK_RAW);
  lua_pushvalue(L, client);
  lua_setiuservalue(L, -2, CBL_CHUNK_CLIENT);
  luaL_setmetatable(L, CBL_CHUNK);
}

void cbl_chunk_push(lua_State *L, int client, bool confirmed) {
  static const cbl_outline none = {0};
  push_chunk(L, client, confirmed, &none);
}

bool cbl_chunk_push_plain(lua_State *L, int client, bool confirmed) {
  /* In words, for the alignment of an outline with room for all fields. */
  unsigned room[(sizeof(cbl_outline) + CBL_FIELDS_MOST * sizeof(cbl_field)) / sizeof(unsigned)];
  cbl_outline *outline = (cbl_outline *)room;
  const cbl_field *id;
  size_t n;
  const char *s = lua_tolstring(L, -1, &n);
  if (!cbl_scan(s, n, outline)) return false;
  id = cbl_outline_find(outline, s, "id", 2);
  if (id == NULL || cbl_field_kind_of(id, s) != CBL_FIELD_STRING) return false;
  lua_pushnil(L);
  push_chunk(L, client, confirmed, outline);
  return true;
}
