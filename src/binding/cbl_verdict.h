/*
** cbl_verdict.h - what a confirming reply says about a close.
*/
#ifndef CBL_VERDICT_H
#define CBL_VERDICT_H

#include "cbl_call.h"

/* Reads the reply to the job's probe. Raises memory errors; leaves the stack as
** it is. */
cbc_verdict cbl_verdict_read(lua_State *L, const cbl_job *job);

#endif
