/* normalise plain|ours PAGE ENDPOINT COUNT : decodes the page of 1000 records in the file PAGE
 * until COUNT records are decoded, with lua-cjson alone or through the binding's cbl_json_decode,
 * which makes integers integers on every branch of lua-cjson. It sends nothing; the endpoint is
 * there because every program of the benchmark is given one. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cbl_json.h"
#include "cbl_state.h"

#define PAGE 1000L

/* The file's bytes as a string. */
static void push_file(lua_State *L, const char *path) {
  luaL_Buffer b;
  FILE *file = fopen(path, "rb");
  if (!file) exit(2);
  luaL_buffinit(L, &b);
  for (size_t n = 1; n > 0;) {
    n = fread(luaL_prepbuffer(&b), 1, LUAL_BUFFERSIZE, file);
    luaL_addsize(&b, n);
  }
  fclose(file);
  luaL_pushresult(&b);
}

int main(int argc, char **argv) {
  lua_State *L = luaL_newstate();
  int ours;
  if (argc != 5) return 2;
  ours = strcmp(argv[1], "ours") == 0;
  luaL_openlibs(L);
  lua_gc(L, LUA_GCGEN, 0, 0);
  cbl_state_open(L);
  push_file(L, argv[2]);
  for (long records = 0; records < atol(argv[4]); records += PAGE) {
    lua_settop(L, 1);
    if (ours) {
      if (!cbl_json_decode(L)) return 1;
    } else {
      cbl_state_push(L, CBL_DECODE);
      lua_pushvalue(L, 1);
      lua_call(L, 1, 1);
    }
    if (lua_rawlen(L, -1) != PAGE) return 1;
  }
  lua_close(L);
  return 0;
}
