/*
** cbl_download.h - replies that go to a file or a function, piece by piece. The
** caller's function is called between the steps of a call, never by libcurl.
*/
#ifndef CBL_DOWNLOAD_H
#define CBL_DOWNLOAD_H

#include "cbl_job.h"

/* Makes the metatable. Pushes nothing. */
void cbl_download_open(lua_State *L);

/* Reads where a reply goes at argument arg: a path, a function(bytes), or nil.
** A path's unfinished file is left on the stack, closed when the function
** returns or an error passes. Raises an argument error for anything else; a
** file that can't be written is kept in job->file_error. */
void cbl_download_read(lua_State *L, int idx, int arg);

/* Passes the piece of the reply that waits to the file or function, and empties it. */
void cbl_download_take(lua_State *L, int idx);

/* True when the 2xx reply to a download brings a whole file (RFC 9110, 15.3: of the
** 2xx, 200 alone does). Else pushes the reason. */
bool cbl_download_is_whole(lua_State *L, const cbl_job *job);

/* After a whole reply: renames the file. Pushes the number of bytes, or
** ends the call because of the file and pushes nothing. */
cbc_verdict cbl_download_commit(lua_State *L, int idx);

#endif
