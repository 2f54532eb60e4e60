/*
** cbl_results.h - what the reply to an action makes.
*/
#ifndef CBL_RESULTS_H
#define CBL_RESULTS_H

#include "cbl_arguments.h"
#include "cbl_call.h"

/* The reader of every action (cbl_answer.h). ud: its cbl_arguments. */
int cbl_results_push(lua_State *L, cbl_job *job, const void *ud);

#endif
