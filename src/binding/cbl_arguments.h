/*
** cbl_arguments.h - the arguments of an action, read as its row says.
*/
#ifndef CBL_ARGUMENTS_H
#define CBL_ARGUMENTS_H

#include "cbc_url.h"
#include "cbl_action.h"
#include "cbl_files.h"
#include "cbl_options.h"

/* Arguments, checked. Their bytes belong to strings on the Lua stack. */
typedef struct cbl_arguments {
  const cbl_action *action;
  const char *base_uri;
  int first;                       /* stack index of the first */
  cbc_segment ids[CBL_PARAMS_MAX]; /* for the holes of the route */
  size_t id_count;
  cbc_segment subject; /* what the call is about, for its confirmation */
  cbc_segment billing; /* bytes NULL: none */
  int body;            /* stack index of the JSON text, 0 without */
  int query;           /* stack index of the query, 0 without */
  cbc_part parts[CBC_PARTS_MAX];
  size_t part_count;
  cbl_files files;
  cbl_limits limits;
  int progress; /* stack index of onProgress, 0 without */
} cbl_arguments;

/* Checks the arguments that stand at first and after, and raises an argument
** error for the first that does not fit its row. What is made from them, bodies
** and owners of files, is left on the stack, where it must stay. */
void cbl_arguments_read(lua_State *L, cbl_arguments *a, const cbl_action *action, int first,
                        const cbc_client *client);

#endif
