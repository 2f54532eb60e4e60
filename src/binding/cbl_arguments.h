/*
** cbl_arguments.h - the arguments of a method, read as its row says.
*/
#ifndef CBL_ARGUMENTS_H
#define CBL_ARGUMENTS_H

#include "cbl_job.h"
#include "cbl_options.h"

/* What the arguments make beside the job: needed until the request is built. */
typedef struct cbl_arguments {
  cbc_segment ids[CBL_PARAMS_MAX]; /* for the holes of the route; belong to arguments */
  size_t id_count;
  int query; /* stack index of the query, 0 without */
  cbl_limits limits;
} cbl_arguments;

/* How many parameters a row has; a table of options may follow them. */
int cbl_arguments_count(const cbl_endpoint *endpoint);

/* Reads the arguments that stand at first and after for the job at index idx,
** as many as the row has and one of options, nil where they are absent; anchors
** in the job what its request points to. Raises an argument error for the first
** that does not fit. Leaves values on the stack, where they must stay until the
** request is built. */
void cbl_arguments_read(lua_State *L, int idx, int first, cbl_arguments *a);

#endif
