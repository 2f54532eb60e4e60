/*
** cbl_client.h - the ConnectClient userdata.
*/
#ifndef CBL_CLIENT_H
#define CBL_CLIENT_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

#include "cbc_client.h"
#include "cbl_live.h"

#define CBL_CLIENT "cloudblue.ConnectClient"

/* Which bulk route the service was seen to speak. */
typedef enum cbl_bulk { CBL_BULK_UNKNOWN, CBL_BULK_LIST, CBL_BULK_SINGLE } cbl_bulk;

typedef struct cbl_client {
  cbl_live live; /* first; its core is owned, and NULL until it is made */
  cbl_bulk bulk;
  bool hooked[2]; /* there are hooks of the kind, see CBL_BEFORE */
} cbl_client;

/* User values of a client. */
enum {
  CBL_BEFORE = 1, /* list of functions, or nil */
  CBL_AFTER,      /* the same */
  CBL_RESOURCES,  /* class name -> the client's resource of that class */
  CBL_SPARE_JOB,  /* the userdata of a call that is over, for the next; or nil */
  CBL_LOOP,       /* list of the functions of the loop that it is attached or lent to; or nil */
  CBL_PARKED,     /* address of a parked call -> token */
  CBL_ENDING,     /* the loop's function that is ending a watch, and has not returned; or nil */
  CBL_CLIENT_VALUES = CBL_ENDING
};

/* The functions of a loop: places in a list. The first three are false where a client is
** only lent to it (cbl_loop_lend): it watches, and no call waits there. */
enum {
  CBL_LOOP_TOKEN = 1, /* function(): what stands for the running coroutine, or nil; of
                      ** tasks, a table: coroutine -> token */
  CBL_LOOP_PARK,      /* function(token): suspends it */
  CBL_LOOP_WAKE,      /* function(token): lets it go on */
  CBL_LOOP_WATCH,     /* function(fd, onReadable): returns what ends that; not for tasks */
  CBL_LOOP_UNWATCH,   /* what it returned; false: nothing is watched */
  CBL_LOOP_SIZE = CBL_LOOP_UNWATCH
};

/* Makes the metatable, with index for its __index and close for its __close, and
** pushes the table of methods with those that need nothing but the client. */
void cbl_client_open(lua_State *L, lua_CFunction index, lua_CFunction close);

/* The function of the module: see docs/calls.md. */
int cbl_client_new(lua_State *L);

/* The open client at argument arg, or an argument error. */
cbl_client *cbl_client_check(lua_State *L, int arg);

/* The core's client of the one at index idx, or an error when it is closed. */
cbc_client *cbl_client_core(lua_State *L, int idx);

/* Ends the watch of its descriptor, which is about to be closed or has nobody parked,
** if there is one. An error of the loop's becomes a warning. */
void cbl_client_unwatch(lua_State *L, int idx);

/* Pops a loop and ends its watch of the client at index idx in the same way. False when
** that was out of memory: it may be tried again. */
bool cbl_client_end_watch(lua_State *L, int idx);

/* True when the bytes hold the secret part of the key: a service may echo it. */
bool cbl_client_finds_secret(const cbl_client *c, const char *bytes, size_t n);

/* Replaces the string at the top of the stack with one in which the secret part
** of the key is masked: a service may echo what it was sent. */
void cbl_client_mask(lua_State *L, const cbl_client *c);

#endif
