/*
** cbl_call.h - a call of the core driven for Lua: its hooks, its waiting, and
** the reading of a confirmation.
*/
#ifndef CBL_CALL_H
#define CBL_CALL_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

#include "cbc_call.h"
#include "cbl_client.h"

typedef struct cbl_job cbl_job;

struct cbl_job {
  cbl_client *client;
  cbc_call *call;      /* owned by a userdata on the stack */
  int client_index;    /* where the client stands on the stack */
  const char *subject; /* id of what is confirmed */
  size_t subject_size;
  const char *billing_id; /* under which a confirmed close counts as ours; NULL: none */
  size_t billing_id_size;
  /* Writes the URL of the confirming GET, the first time that it is needed; NULL
  ** where there is none. */
  void (*aim)(lua_State *L, cbl_job *job);
  /* Takes the piece of a streamed reply, and empties it; NULL without. */
  void (*take)(lua_State *L, cbl_job *job, cbc_buffer *piece);
  /* Fills the feeds of the request; NULL without. */
  void (*give)(lua_State *L, cbl_job *job);
  const void *arguments; /* whatever aim needs */
  void *files;           /* whatever take and give need */
  int progress;          /* stack index of a function(done, total), 0 without */
  double progress_done;  /* bytes it was last told of */
};

/* Makes the metatable. Pushes nothing. */
void cbl_call_open(lua_State *L);

/* Begins a call of the client at index client (absolute), owned by a userdata
** that is pushed and closes it when the function returns or an error passes. */
void cbl_call_begin(lua_State *L, cbl_job *job, int client);

/* Drives the call until it is over. What is waited for, hooks, sinks and
** signals are dealt with here. Raises memory errors, and the errors of hooks
** and callbacks. Leaves the stack as it is. */
void cbl_call_run(lua_State *L, cbl_job *job);

#endif
