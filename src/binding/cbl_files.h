/*
** cbl_files.h - files in and out: what a caller gives to be uploaded becomes a
** part of the request, and a streamed reply goes to a file or a function. The
** caller's functions are called between the steps of a call, never by libcurl.
*/
#ifndef CBL_FILES_H
#define CBL_FILES_H

#include <lauxlib.h>
#include <lua.h>

#include "cbc_file.h"
#include "cbl_call.h"

/* The files of one call. Lives as long as its job. */
typedef struct cbl_files {
  cbc_feed *feed;    /* owned by a userdata on the stack; NULL without */
  int feed_index;    /* stack index of that */
  int reader;        /* stack index of the function that fills it */
  cbc_file *file;    /* owned by a userdata on the stack; NULL without */
  int sink;          /* stack index of the function that takes pieces, 0 without */
  int sink_attempt;  /* of which attempt the pieces so far are; -1: none */
  lua_Integer taken; /* bytes of that attempt so far */
  cbc_error error;   /* a local file's, when code is not CBC_OK */
} cbl_files;

/* Makes the metatables. Pushes nothing. */
void cbl_files_open(lua_State *L);

/* Reads a file to be uploaded at argument arg into a part named field: a path,
** a function that gives strings until nil, or a table { name =, content = } or
** { name =, reader = }. What owns its bytes is left on the stack. Raises an
** argument error for anything else; a path that can't be read is told in
** files->error. */
void cbl_files_read_source(lua_State *L, int arg, const char *field, const cbc_env *env,
                           cbl_files *files, cbc_part *part);

/* Reads where a reply goes at argument arg: a path, a function(bytes), or nil.
** A path's unfinished file is left on the stack, closed when the function
** returns or an error passes. Raises an argument error for anything else; a
** file that can't be written is told in files->error. */
void cbl_files_read_target(lua_State *L, int arg, const cbc_env *env, cbl_files *files);

/* True when the reply is to be streamed. */
bool cbl_files_has_target(const cbl_files *files);

/* Lets the job take and give through its files. */
void cbl_files_attach(cbl_job *job, cbl_files *files);

/* True when the reply of a download that succeeded brings a whole file (RFC 9110,
** 15.3: of the 2xx, 200 alone does). Else tells the call that the reply is not
** what it seemed, and pushes why. */
bool cbl_files_is_whole(lua_State *L, cbl_job *job);

/* After a success: the file gets its name. Pushes the number of bytes, or tells
** the call what failed and returns false. */
bool cbl_files_commit(lua_State *L, cbl_job *job);

#endif
