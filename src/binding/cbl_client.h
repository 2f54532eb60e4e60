/*
** cbl_client.h - the ConnectClient userdata.
*/
#ifndef CBL_CLIENT_H
#define CBL_CLIENT_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

#include "cbc_client.h"

#define CBL_CLIENT "cloudblue.ConnectClient"

/* Which bulk route the service was seen to speak. */
typedef enum cbl_bulk { CBL_BULK_UNKNOWN, CBL_BULK_LIST, CBL_BULK_SINGLE } cbl_bulk;

typedef struct cbl_client {
  cbc_client *core; /* owned; NULL until it is made and after it is collected */
  cbl_bulk bulk;
  bool hooked[2]; /* there are hooks of the kind, see CBL_BEFORE */
} cbl_client;

/* User values of a client. */
enum {
  CBL_BEFORE = 1, /* list of functions, or nil */
  CBL_AFTER,      /* the same */
  CBL_RESOURCES,  /* class name -> the client's resource of that class */
  CBL_SPARE_JOB,  /* the userdata of a call that is over, for the next; or nil */
  CBL_CLIENT_VALUES = CBL_SPARE_JOB
};

/* Makes the metatable with index for its __index, and pushes the table of methods
** with those that need nothing but the client. False when the state has them
** already. */
void cbl_client_open(lua_State *L, lua_CFunction index);

/* The function of the module: see docs/calls.md. */
int cbl_client_new(lua_State *L);

/* The open client at argument arg, or an argument error. */
cbl_client *cbl_client_check(lua_State *L, int arg);

/* The core's client of the one at index idx, or an error when it is closed. */
cbc_client *cbl_client_core(lua_State *L, int idx);

/* True when the bytes hold the secret part of the key: a service may echo it. */
bool cbl_client_finds_secret(const cbl_client *c, const char *bytes, size_t n);

/* Replaces the string at the top of the stack with one in which the secret part
** of the key is masked: a service may echo what it was sent. */
void cbl_client_mask(lua_State *L, const cbl_client *c);

#endif
