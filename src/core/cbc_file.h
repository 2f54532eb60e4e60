/*
** cbc_file.h - a local file that appears only when it is whole.
*/
#ifndef CBC_FILE_H
#define CBC_FILE_H

#include "cbc_env.h"
#include "cbc_error.h"

typedef struct cbc_file cbc_file;

/* Begins to write the file of that name: the bytes go to another one beside it
** until cbc_file_commit. Of a symbolic link, what it points to is written. A file
** that is replaced leaves its permissions to the new one, a new one has those that
** the umask leaves. NULL and an error: CBC_EFILE, also where the name is that of
** something else than a regular file; CBC_ENOMEM. The caller owns it; env must
** outlive it. */
cbc_file *cbc_file_create(const cbc_env *env, const char *path, cbc_error *err);

/* Appends bytes. CBC_OK or CBC_EFILE. */
cbc_code cbc_file_write(cbc_file *f, const void *bytes, size_t n, cbc_error *err);

/* Throws away what was written so far, to begin again. CBC_OK or CBC_EFILE. */
cbc_code cbc_file_rewind(cbc_file *f, cbc_error *err);

/* Writes everything to the disk and renames the file, in place of what had the
** name before. CBC_OK or CBC_EFILE; in both cases only cbc_file_free is left
** to be called. */
cbc_code cbc_file_commit(cbc_file *f, cbc_error *err);

/* Ends it: what was not committed is removed. NULL is allowed. */
void cbc_file_free(cbc_file *f);

#endif
