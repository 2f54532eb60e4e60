/*
** cbc_input.h - a local file that is read while it is sent: as many bytes as it
** had when it was opened, whatever becomes of it meanwhile.
*/
#ifndef CBC_INPUT_H
#define CBC_INPUT_H

#include <stdbool.h>
#include <sys/types.h>

#include "cbc_error.h"

typedef struct cbc_input {
  const char *path; /* for messages; the caller's, terminated */
  int fd;           /* owned; -1 once closed */
  off_t size;       /* bytes, when it was opened */
  off_t at;         /* of them, the next to be read */
} cbc_input;

/* Opens a regular file; any other could block for longer than any timeout. The
** path must stay as long as the input is open. Returns CBC_OK, or CBC_EFILE with
** the input closed. */
cbc_code cbc_input_open(cbc_input *in, const char *path, cbc_error *err);

/* Reads up to room bytes, which is more than 0, and stores how many: 0 only when
** all of the size have been read. Bytes that the file got since it was opened are
** left aside. Returns CBC_OK; CBC_EFILE also when the file has become shorter. */
cbc_code cbc_input_read(cbc_input *in, void *to, size_t room, size_t *n, cbc_error *err);

/* Lets reading go on at a byte of the file. False when it is none of its size. */
bool cbc_input_seek(cbc_input *in, off_t at);

/* May be called again. */
void cbc_input_close(cbc_input *in);

/* Reports whether the file can be opened as above: CBC_OK or CBC_EFILE. */
cbc_code cbc_input_check(const char *path, cbc_error *err);

#endif
