/*
** cbl_upload.h - files that are uploaded: each is a part of the request. The
** caller's function is called between the steps of a call, never by libcurl.
*/
#ifndef CBL_UPLOAD_H
#define CBL_UPLOAD_H

#include "cbl_job.h"

/* Makes the metatable. Pushes nothing. */
void cbl_upload_open(lua_State *L);

/* Reads a file to be uploaded at argument arg into a part named field of the
** request of the job at index idx: a path, a function that returns strings until
** nil, or a table { name =, content = } or { name =, reader = }. Raises an
** argument error for anything else; a path that can't be read is kept in
** job->file_error. What owns the bytes is left on the stack, closed when the
** function returns or an error passes. */
void cbl_upload_read(lua_State *L, int idx, int arg, const char *field);

/* Adds the string at argument arg as a part named field; bytes NULL: none. */
void cbl_upload_add_field(lua_State *L, int idx, int arg, const char *field, cbc_segment s);

/* Fills the feed of the request from the caller's function. */
void cbl_upload_give(lua_State *L, int idx);

#endif
