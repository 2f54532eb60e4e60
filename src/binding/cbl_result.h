/*
** cbl_result.h - what the reply to a call makes.
*/
#ifndef CBL_RESULT_H
#define CBL_RESULT_H

#include "cbl_job.h"

/* Reads the 2xx reply to the call of the job at index idx. If it answers what was
** asked (CBC_VERDICT_APPLIED), the results are the job->results values that are
** then at the top of the stack; else the reason stands there. A local file that
** can't be kept ends the call (cbc_call_abort). */
cbc_verdict cbl_result_read(lua_State *L, int idx);

/* The same for the 2xx reply to its confirming GET. */
cbc_verdict cbl_result_judge(lua_State *L, int idx);

#endif
