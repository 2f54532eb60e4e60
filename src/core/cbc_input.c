/*
** cbc_input.c - a local file that is read while it is sent.
*/
#include "cbc_input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static cbc_code failed(cbc_error *err, const char *path, const char *why) {
  return cbc_error_set(err, CBC_EFILE, "can't read '%s': %s", path, why);
}

/* Why a file of that mode is not read; NULL when it is regular. */
static const char *refusal_of(mode_t mode) {
  if (S_ISREG(mode)) return NULL;
  return S_ISDIR(mode) ? "it is a directory" : "it is no regular file; give a reader";
}

cbc_code cbc_input_open(cbc_input *in, const char *path, cbc_error *err) {
  struct stat st;
  const char *why;
  /* What the path names is only known once it is open, and opening a FIFO must
  ** not wait for its other end. */
  *in = (cbc_input){.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (in->fd < 0) return failed(err, path, strerror(errno));
  why = fstat(in->fd, &st) != 0 ? strerror(errno) : refusal_of(st.st_mode);
  if (why != NULL) {
    failed(err, path, why);
    cbc_input_close(in);
    return CBC_EFILE;
  }
  in->size = st.st_size;
  cbc_error_clear(err);
  return CBC_OK;
}

cbc_code cbc_input_read(cbc_input *in, void *to, size_t room, size_t *n, cbc_error *err) {
  off_t left = in->size - in->at;
  ssize_t got;
  *n = 0;
  if (left == 0) return CBC_OK;
  if (left < (off_t)room) room = (size_t)left;
  do
    got = pread(in->fd, to, room, in->at);
  while (got < 0 && errno == EINTR);
  if (got < 0) return failed(err, in->path, strerror(errno));
  if (got == 0)
    return cbc_error_set(err, CBC_EFILE,
                         "can't read '%s': it became shorter while it was sent, %lld of its %lld "
                         "bytes are missing",
                         in->path, (long long)left, (long long)in->size);
  in->at += got;
  *n = (size_t)got;
  return CBC_OK;
}

bool cbc_input_seek(cbc_input *in, off_t at) {
  if (at < 0 || at > in->size) return false;
  in->at = at;
  return true;
}

void cbc_input_close(cbc_input *in) {
  if (in->fd >= 0) close(in->fd);
  in->fd = -1;
}

cbc_code cbc_input_check(const char *path, cbc_error *err) {
  cbc_input in;
  cbc_code rc = cbc_input_open(&in, path, err);
  cbc_input_close(&in);
  return rc;
}
