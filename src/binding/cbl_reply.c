/*
** cbl_reply.c - parts of a reply as Lua sees them.
*/
#include "cbl_reply.h"

#include <string.h>

#include "cbc_header.h"

void cbl_reply_push_body(lua_State *L, cbc_transfer *x) {
  const cbc_buffer *body = &cbc_transfer_reply(x)->body;
  lua_pushlstring(L, body->data != NULL ? body->data : "", body->size);
}

void cbl_reply_push_headers(lua_State *L, const cbl_client *client, cbc_transfer *x) {
  const struct curl_header *h = NULL;
  lua_newtable(L);
  while ((h = cbc_transfer_next_header(x, h)) != NULL) {
    size_t n = strlen(h->name);
    luaL_Buffer b;
    char *name = luaL_buffinitsize(L, &b, n);
    for (size_t i = 0; i < n; i++)
      name[i] =
          (char)(h->name[i] >= 'A' && h->name[i] <= 'Z' ? h->name[i] - 'A' + 'a' : h->name[i]);
    luaL_pushresultsize(&b, n);
    cbl_client_push_masked(L, client, h->value, cbc_header_size(h->value));
    lua_rawset(L, -3);
  }
}

void cbl_reply_push(lua_State *L, const cbl_client *client, cbc_transfer *x) {
  lua_createtable(L, 0, 2);
  lua_pushinteger(L, cbc_transfer_reply(x)->status);
  lua_setfield(L, -2, "status");
  cbl_reply_push_headers(L, client, x);
  lua_setfield(L, -2, "headers");
}
