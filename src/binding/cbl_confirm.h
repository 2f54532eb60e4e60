/*
** cbl_confirm.h - whether a reply shows what a close asked for. One rule serves
** the reply to the close itself and the one that confirms it.
*/
#ifndef CBL_CONFIRM_H
#define CBL_CONFIRM_H

#include "cbc_exchange.h"
#include "cbc_outline.h"
#include "cbl_job.h"

/* Writes the URL of the GET that confirms the job's call, where it has none yet.
** Raises when out of memory. */
void cbl_confirm_aim(lua_State *L, cbl_job *job);

/* What the plain object, of which text is the JSON text and outline the outline,
** shows in reply to the close itself. Anything but CBC_VERDICT_APPLIED wants
** decoding: cbl_confirm_judge. */
cbc_verdict cbl_confirm_scan(const cbl_job *job, const cbc_outline *outline, const char *text);

/* What the decoded object at the top of the stack shows. confirming: it was read
** by the confirming GET, so that a billing id which it does not mention is not
** known, where the reply to the close itself would have shown another. Pushes
** the reason, unless that is CBC_VERDICT_APPLIED. */
cbc_verdict cbl_confirm_judge(lua_State *L, const cbl_job *job, bool confirming);

/* Pushes the reason where a reply is about another object than was asked for. id:
** that object's, NULL where it has none. */
void cbl_confirm_push_other(lua_State *L, const char *id);

#endif
