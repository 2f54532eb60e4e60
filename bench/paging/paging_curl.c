/* paging_curl ENDPOINT COUNT : walks the last COUNT of the 1,000,000 records (with COUNT "-" as
 * bench/slices.c says) in pages of 1000, with libcurl and lua-cjson alone: one easy handle, one
 * connection, the page collected in a buffer that is used again, handed to lua-cjson's decode
 * through Lua's C API, counted and let go. Lua is set up as the stand-alone interpreter does it
 * (collector in generational mode), and lua-cjson is the one that `require` finds.
 *
 * The requests are those of paging_module.lua but for the order of headers; compare.lua
 * checks that. */
#define _GNU_SOURCE
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../bare.h"

#define PAGE 1000L
#define TOTAL 1000000L

/* How many records the page holds that begins at offset; 0 where it can't be had. */
static long walk_page(CURL *curl, lua_State *L, const char *endpoint, long offset,
                      struct reply *reply) {
  char url[256];
  long status = 0, length;
  snprintf(url, sizeof url, "%s/usage/records?limit=%ld&offset=%ld", endpoint, PAGE, offset);
  curl_easy_setopt(curl, CURLOPT_URL, url);
  reply->length = 0;
  if (curl_easy_perform(curl) != CURLE_OK) return 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) return 0;
  lua_pushvalue(L, 1);
  lua_pushlstring(L, reply->bytes, reply->length);
  lua_call(L, 1, 1);
  length = (long)lua_rawlen(L, -1);
  lua_pop(L, 1);
  return length;
}

/* The resident memory of this process, in KiB. */
static long resident(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%*d %ld", &pages) != 1) exit(1);
  fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Leaves the decode function of lua-cjson at index 1. */
static lua_State *open_lua(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  lua_gc(L, LUA_GCGEN, 0, 0);
  if (luaL_dostring(L, "return require('cjson').decode")) exit(1);
  return L;
}

int main(int argc, char **argv) {
  struct reply reply = {0};
  struct curl_slist *headers = NULL;
  CURL *curl;
  lua_State *L;
  long count = 0;
  if (argc != 3) return 2;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  curl = prepare(&headers, &reply);
  L = open_lua();
  while ((count = next_slice(argv[2], count)) > 0)
    for (long offset = TOTAL - count; offset < TOTAL; offset += PAGE) {
      if (walk_page(curl, L, argv[1], offset, &reply) != PAGE) return 1;
      if (!in_slices(argv[2])) printf("resident %ld\n", resident());
    }
  lua_close(L);
  curl_easy_cleanup(curl);
  curl_slist_free_all(headers);
  curl_global_cleanup();
  free(reply.bytes);
  return 0;
}
