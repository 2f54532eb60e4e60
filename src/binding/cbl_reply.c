/*
** cbl_reply.c - parts of a reply as Lua sees them.
*/
#include "cbl_reply.h"

#include <string.h>

#include "cbc_header.h"
#include "cbl_json.h"

void cbl_reply_push_body(lua_State *L, cbc_transfer *x) {
  const cbc_buffer *body = &cbc_transfer_reply(x)->body;
  lua_pushlstring(L, body->data != NULL ? body->data : "", body->size);
}

bool cbl_reply_decode(lua_State *L) {
  if (lua_rawlen(L, -1) == 0) {
    lua_pushliteral(L, "the reply is empty where JSON was expected");
    return false;
  }
  if (!cbl_json_decode(L)) {
    lua_pushfstring(L, "the reply is no JSON: %s", lua_tostring(L, -1));
    return false;
  }
  if (!lua_istable(L, -1)) {
    lua_pushfstring(L, "the reply is a %s where an object or a list was expected",
                    lua_islightuserdata(L, -1) ? "null" : luaL_typename(L, -1));
    return false;
  }
  return true;
}

/* Pushes the name of a header in lower case. The key is looked for before: it has
** capitals. */
static void push_name(lua_State *L, const cbl_client *client, const char *name) {
  size_t n;
  luaL_Buffer b;
  char *to;
  lua_pushstring(L, name);
  cbl_client_mask(L, client);
  name = lua_tolstring(L, -1, &n);
  to = luaL_buffinitsize(L, &b, n);
  for (size_t i = 0; i < n; i++)
    to[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
  luaL_pushresultsize(&b, n);
  lua_remove(L, -2);
}

void cbl_reply_push_headers(lua_State *L, const cbl_client *client, cbc_transfer *x) {
  const struct curl_header *h = NULL;
  lua_newtable(L);
  while ((h = cbc_transfer_next_header(x, h)) != NULL) {
    push_name(L, client, h->name);
    lua_pushlstring(L, h->value, cbc_header_size(h->value));
    cbl_client_mask(L, client);
    lua_rawset(L, -3);
  }
}

void cbl_reply_push(lua_State *L, const cbl_client *client, cbc_transfer *x) {
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, cbc_transfer_reply(x)->status);
  lua_setfield(L, -2, "status");
  cbl_reply_push_headers(L, client, x);
  lua_setfield(L, -2, "headers");
}
