/*
** cbl_marks.h - carrying numbers through lua-cjson that it would not read
** rightly: in the text they are strings that begin with U+0001, and strings that
** begin with it themselves have it twice. So each string of the decoded value
** shows what it was, whatever the text holds.
*/
#ifndef CBL_MARKS_H
#define CBL_MARKS_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

/* Which numbers of a text are marked. */
typedef enum cbl_marks {
  CBL_MARKS_NONE,
  CBL_MARKS_LONG, /* integers of more than 15 digits */
  CBL_MARKS_ALL   /* every number */
} cbl_marks;

/* What lua-cjson needs marked where its decimal point is the text's. 15 digits
** are what a float holds whatever they are. s ends with a NUL byte. */
cbl_marks cbl_marks_needed(const char *s, size_t n);

/* Replaces the JSON text at the top of the stack, which holds no NUL byte, with
** its marked form. What is no JSON stays so. With CBL_MARKS_ALL no number is
** left but one that is not as JSON has it. Returns false, leaving the text as it
** is, when there is such a one. */
bool cbl_marks_add(lua_State *L, cbl_marks marks);

/* True when the string at the top of the stack, of a value decoded from marked
** text, has a mark; it is then replaced by what it stands for: an integer where
** that fits, a float, or the string that was written. */
bool cbl_marks_resolve(lua_State *L);

#endif
