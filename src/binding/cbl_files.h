/*
** cbl_files.h - files in and out: what a caller wants uploaded becomes a part of
** the request, and a streamed reply goes to a file or a function. The caller's
** functions are called between the steps of a call, never by libcurl.
*/
#ifndef CBL_FILES_H
#define CBL_FILES_H

#include "cbl_job.h"

/* Makes the metatables. Pushes nothing. */
void cbl_files_open(lua_State *L);

/* Reads a file to be uploaded at argument arg into a part named field of the
** request of the job at index idx: a path, a function that returns strings until
** nil, or a table { name =, content = } or { name =, reader = }. Raises an
** argument error for anything else; a path that can't be read is kept for
** cbl_files_start. What owns the bytes is left on the stack, closed when the
** function returns or an error passes. */
void cbl_files_read_source(lua_State *L, int idx, int arg, const char *field);

/* Adds the string at argument arg as a part named field; bytes NULL: none. */
void cbl_files_add_field(lua_State *L, int idx, int arg, const char *field, cbc_segment s);

/* Reads where a reply goes at argument arg: a path, a function(bytes), or nil.
** A path's unfinished file is left on the stack, closed when the function
** returns or an error passes. Raises an argument error for anything else; a
** file that can't be written is kept for cbl_files_start. */
void cbl_files_read_target(lua_State *L, int idx, int arg);

/* Ends the started call at once where a local file can't be used. */
void cbl_files_start(cbl_job *job);

/* Fills the feed of the request from the caller's function. */
void cbl_files_give(lua_State *L, int idx);

/* Hands over the piece of the reply that waits, and empties it. */
void cbl_files_take(lua_State *L, int idx);

/* True when the 2xx reply to a download brings a whole file (RFC 9110, 15.3: of the
** 2xx, 200 alone does). Else pushes the reason. */
bool cbl_files_is_whole(lua_State *L, const cbl_job *job);

/* After a whole reply: the file gets its name. Pushes the number of bytes, or
** ends the call because of the file and pushes nothing. */
cbc_verdict cbl_files_commit(lua_State *L, int idx);

#endif
