/*
** cbc_file.c - a local file that appears only when it is whole.
*/
#define _XOPEN_SOURCE 700 /* realpath */

#include "cbc_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names that are tried before giving up, should others be taken. */
#define TRIES_MOST 100

/* What the name of the unfinished file has more than the target's. */
#define SUFFIX_FORMAT ".part-%08lx"
#define SUFFIX_SIZE 16

struct cbc_file {
  const cbc_env *env;
  int fd;          /* -1 once closed */
  bool unfinished; /* the file at part is ours to remove */
  bool direct;     /* the target is no regular file and written to as it is */
  bool begun;      /* it has got some bytes */
  size_t size;     /* of this block, in bytes */
  char *part;      /* name of the unfinished file, behind the target's */
  char target[];
};

static cbc_code failed(cbc_error *err, const char *what, const char *path) {
  return cbc_error_set(err, CBC_EFILE, "can't %s '%s': %s", what, path, strerror(errno));
}

/* Makes the unfinished file under a name that nobody has. */
static bool open_part(cbc_file *f) {
  size_t n = strlen(f->target);
  for (int i = 0; i < TRIES_MOST; i++) {
    unsigned long number = (unsigned long)(f->env->random(f->env->ud) * 4294967296.0);
    memcpy(f->part, f->target, n);
    snprintf(f->part + n, SUFFIX_SIZE, SUFFIX_FORMAT, (number + (unsigned long)i) & 0xffffffffUL);
    f->fd = open(f->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (f->fd >= 0 || errno != EEXIST) break;
  }
  return f->fd >= 0;
}

/* Opens what the bytes go to: the target itself where that is a device or a
** pipe, else the unfinished file. False with errno. */
static bool open_file(cbc_file *f) {
  struct stat st;
  bool there = stat(f->target, &st) == 0;
  if (there && S_ISDIR(st.st_mode)) {
    errno = EISDIR;
    return false;
  }
  f->direct = there && !S_ISREG(st.st_mode);
  if (f->direct)
    f->fd = open(f->target, O_WRONLY | O_CLOEXEC);
  else
    f->unfinished = open_part(f);
  /* The file that takes the place of another has its mode. */
  if (f->unfinished && there) (void)fchmod(f->fd, st.st_mode & 07777);
  return f->fd >= 0;
}

/* A symbolic link stays, and what it points to is replaced. */
static const char *follow(const char *path, char *real) {
  struct stat st;
  bool link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
  return link && realpath(path, real) != NULL ? real : path;
}

cbc_file *cbc_file_create(const cbc_env *env, const char *path, cbc_error *err) {
  char real[PATH_MAX];
  const char *target = follow(path, real);
  size_t n = strlen(target) + 1;
  size_t size = sizeof(cbc_file) + n + n + SUFFIX_SIZE;
  cbc_file *f = cbc_alloc(env, size);
  if (f == NULL) {
    cbc_error_nomem(err);
    return NULL;
  }
  *f = (cbc_file){.env = env, .fd = -1, .size = size};
  memcpy(f->target, target, n);
  f->part = f->target + n;
  if (open_file(f)) return f;
  failed(err, "write", f->target);
  cbc_file_free(f);
  return NULL;
}

cbc_code cbc_file_write(cbc_file *f, const void *bytes, size_t n, cbc_error *err) {
  const char *at = bytes;
  f->begun = f->begun || n > 0;
  while (n > 0) {
    ssize_t written = write(f->fd, at, n);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed(err, "write", f->target);
    at += written;
    n -= (size_t)written;
  }
  return CBC_OK;
}

cbc_code cbc_file_rewind(cbc_file *f, cbc_error *err) {
  if (f->direct && !f->begun) return CBC_OK;
  if (f->direct)
    return cbc_error_set(err, CBC_EFILE, "can't rewrite '%s': it is no regular file", f->target);
  if (lseek(f->fd, 0, SEEK_SET) != 0 || ftruncate(f->fd, 0) != 0)
    return failed(err, "rewrite", f->target);
  return CBC_OK;
}

static bool close_part(cbc_file *f) {
  int fd = f->fd;
  f->fd = -1;
  return close(fd) == 0;
}

cbc_code cbc_file_commit(cbc_file *f, cbc_error *err) {
  if (!f->direct && fsync(f->fd) != 0) return failed(err, "write", f->target);
  if (!close_part(f)) return failed(err, "write", f->target);
  if (f->direct) return CBC_OK;
  if (rename(f->part, f->target) != 0) return failed(err, "rename a download to", f->target);
  f->unfinished = false;
  return CBC_OK;
}

void cbc_file_free(cbc_file *f) {
  if (f == NULL) return;
  if (f->fd >= 0) close_part(f);
  if (f->unfinished) unlink(f->part);
  cbc_free(f->env, f, f->size);
}
