/*
** cbl_chunk.c - the UsageChunk userdata.
*/
#include "cbl_chunk.h"

#include <string.h>

#include "cbl_aux.h"
#include "cbl_client.h"
#include "cbl_json.h"

/* Its address is the key of the table of methods in the metatable. */
static const char methods_key = 0;

typedef struct chunk {
  const cbl_class *class; /* of the object */
  bool confirmed;
  bool secretive;      /* its status holds the key, and is not printed */
  size_t size;         /* of the reply's bytes, which stand behind the outline */
  cbc_outline outline; /* of them; used until they are decoded */
} chunk;

static const char *text_of(const chunk *c) {
  return (const char *)(c->outline.members + c->outline.count);
}

/* ==== Fields ========================================================== */

/* Pushes the bytes of the reply that made the chunk at index idx. */
static void push_raw(lua_State *L, int idx) {
  const chunk *c = lua_touserdata(L, idx);
  if (lua_getiuservalue(L, idx, CBL_CHUNK_RAW) != LUA_TNIL) return;
  lua_pop(L, 1);
  lua_pushlstring(L, text_of(c), c->size);
}

/* Pushes the decoded table of the chunk at index idx, decoding it the first
** time. */
static void push_data(lua_State *L, int idx) {
  idx = lua_absindex(L, idx);
  if (lua_getiuservalue(L, idx, CBL_CHUNK_DATA) == LUA_TTABLE) return;
  push_raw(L, idx);
  if (!cbl_json_decode(L)) lua_error(L); /* plain text decodes: cbc_outline.h */
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

/* Pushes the field from the chunk's text; false, pushing nothing, where it takes
** decoding. */
static bool push_scanned(lua_State *L, const chunk *c, const char *name, size_t name_size) {
  const char *s = text_of(c);
  const cbc_member *f = cbc_outline_find(&c->outline, s, name, name_size);
  cbc_member_kind kind = f != NULL ? cbc_member_kind_of(f, s) : CBC_MEMBER_NULL;
  switch (kind) {
  case CBC_MEMBER_STRING:
    lua_pushlstring(L, s + f->value + 1, f->value_size - 2);
    return true;
  case CBC_MEMBER_TRUE:
  case CBC_MEMBER_FALSE:
    lua_pushboolean(L, kind == CBC_MEMBER_TRUE);
    return true;
  case CBC_MEMBER_NULL:
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
    if (push_scanned(L, c, name, n)) return;
  }
  push_decoded(L, key);
}

/* Upvalues: the table of methods, which win over fields, and the metatable. */
static int chunk_index(lua_State *L) {
  chunk *c = cbl_checkown(L, 2, CBL_CHUNK);
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  if (strcmp(key, "data") == 0) {
    push_data(L, 1);
  } else if (strcmp(key, "raw") == 0) {
    push_raw(L, 1);
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
  const chunk *c = luaL_checkudata(L, 1, CBL_CHUNK);
  const char *id = push_shown(L, "id");
  const char *status = c->secretive ? "?" : push_shown(L, "status");
  lua_pushfstring(L, "UsageChunk %s (%s)", id, status);
  return 1;
}

void cbl_chunk_push_id(lua_State *L) {
  push_data(L, 1);
  lua_pushliteral(L, "id");
  if (lua_rawget(L, -2) != LUA_TSTRING) cbl_argerror(L, 1, "this chunk has no id");
  lua_remove(L, -2);
}

const cbl_class *cbl_chunk_class(lua_State *L, int idx) {
  const chunk *c = lua_touserdata(L, idx);
  return c->class;
}

/* ==== Making ========================================================== */

void cbl_chunk_open(lua_State *L) {
  static const luaL_Reg metamethods[] = {
      {"__pairs", chunk_pairs}, {"__tostring", chunk_tostring}, {NULL, NULL}};
  cbl_newclass(L, CBL_CHUNK, metamethods, chunk_index, &methods_key);
}

/* Pushes a chunk with room behind its outline for so many bytes of text. */
static chunk *push_chunk(lua_State *L, int client, const cbl_class *class,
                         const cbc_outline *outline, size_t size) {
  size_t fields = outline->count * sizeof *outline->members;
  chunk *c = lua_newuserdatauv(L, sizeof *c + fields + size, CBL_CHUNK_VALUES);
  *c = (chunk){.class = class, .size = size};
  memcpy(&c->outline, outline, sizeof *outline + fields);
  lua_pushvalue(L, client);
  lua_setiuservalue(L, -2, CBL_CHUNK_CLIENT);
  luaL_setmetatable(L, CBL_CHUNK);
  return c;
}

void cbl_chunk_push(lua_State *L, int client, const cbl_class *class, bool confirmed) {
  static const cbc_outline none = {0};
  bool secretive = false;
  chunk *c;
  lua_pushliteral(L, "status");
  if (lua_rawget(L, -2) == LUA_TSTRING)
    secretive =
        cbl_client_finds_secret(lua_touserdata(L, client), lua_tostring(L, -1), lua_rawlen(L, -1));
  lua_pop(L, 1);
  c = push_chunk(L, client, class, &none, 0);
  c->confirmed = confirmed;
  c->secretive = secretive;
  lua_insert(L, -3);
  lua_setiuservalue(L, -3, CBL_CHUNK_DATA);
  lua_setiuservalue(L, -2, CBL_CHUNK_RAW);
}

void cbl_chunk_push_plain(lua_State *L, int client, const cbl_class *class,
                          const cbc_outline *outline, const cbc_buffer *body) {
  const cbc_member *f = cbc_outline_find(outline, body->data, "status", 6);
  bool secretive = f != NULL && cbl_client_finds_secret(lua_touserdata(L, client),
                                                        body->data + f->value, f->value_size);
  chunk *c = push_chunk(L, client, class, outline, body->size);
  c->secretive = secretive;
  memcpy(c->outline.members + c->outline.count, body->data, c->size);
}
