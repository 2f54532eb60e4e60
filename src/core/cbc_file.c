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

/* Most names that are tried while they are in use. */
#define TRIES_MOST 100

/* Appended to the target's name for that of the unfinished file. */
#define SUFFIX_FORMAT ".part-%08lx"
#define SUFFIX_SIZE 16

struct cbc_file {
  const cbc_env *env;
  int fd;          /* -1 once closed */
  bool unfinished; /* the file at part is ours to remove */
  size_t size;     /* of this block, in bytes */
  char *part;      /* name of the unfinished file, behind the target's */
  char target[];
};

static cbc_code failed(cbc_error *err, const char *what, const char *path, const char *why) {
  return cbc_error_set(err, CBC_EFILE, "can't %s '%s': %s", what, path, why);
}

/* Makes the unfinished file under an unused name. False with errno. */
static bool open_part(cbc_file *f, mode_t mode) {
  size_t n = strlen(f->target);
  for (int i = 0; i < TRIES_MOST; i++) {
    unsigned long number = (unsigned long)(f->env->random(f->env->ud) * 4294967296.0);
    memcpy(f->part, f->target, n);
    snprintf(f->part + n, SUFFIX_SIZE, SUFFIX_FORMAT, (number + (unsigned long)i) & 0xffffffffUL);
    f->fd = open(f->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (f->fd >= 0 || errno != EEXIST) break;
  }
  return f->unfinished = f->fd >= 0;
}

/* Gives the unfinished file, mode 0600 so far, the permissions of the one that it
** will replace, and no more: where it can't have that one's group, group and others
** get what both had before. Set-user-ID and set-group-ID are left out: the bytes
** are new. */
static void adopt(const cbc_file *f, const struct stat *old) {
  mode_t mode = old->st_mode & 0777;
  mode_t both = mode & mode >> 3 & 07;
  bool same_group = fchown(f->fd, (uid_t)-1, old->st_gid) == 0;
  (void)fchmod(f->fd, same_group ? mode : (mode_t)((mode & 0700) | both << 3 | both));
}

/* Why what has that mode is not replaced; NULL for a regular file. Writing to a
** pipe or a device could block for longer than any timeout. */
static const char *refusal_of(mode_t mode) {
  if (S_ISREG(mode)) return NULL;
  return S_ISDIR(mode) ? strerror(EISDIR) : "it is no regular file; give a function";
}

/* Opens what the bytes go to. */
static cbc_code open_file(cbc_file *f, const char *path, cbc_error *err) {
  struct stat old;
  bool there = stat(f->target, &old) == 0;
  const char *why = there ? refusal_of(old.st_mode) : NULL;
  if (why == NULL && !open_part(f, there ? old.st_mode & 0700 : 0666)) why = strerror(errno);
  if (why != NULL) return failed(err, "write", path, why);
  if (there) adopt(f, &old);
  return CBC_OK;
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
  if (open_file(f, path, err) == CBC_OK) return f;
  cbc_file_free(f);
  return NULL;
}

cbc_code cbc_file_write(cbc_file *f, const void *bytes, size_t n, cbc_error *err) {
  const char *at = bytes;
  while (n > 0) {
    ssize_t written = write(f->fd, at, n);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed(err, "write", f->target, strerror(errno));
    at += written;
    n -= (size_t)written;
  }
  return CBC_OK;
}

cbc_code cbc_file_rewind(cbc_file *f, cbc_error *err) {
  if (lseek(f->fd, 0, SEEK_SET) != 0 || ftruncate(f->fd, 0) != 0)
    return failed(err, "rewrite", f->target, strerror(errno));
  return CBC_OK;
}

static bool close_part(cbc_file *f) {
  int fd = f->fd;
  f->fd = -1;
  return close(fd) == 0;
}

cbc_code cbc_file_commit(cbc_file *f, cbc_error *err) {
  if (fsync(f->fd) != 0) return failed(err, "write", f->target, strerror(errno));
  if (!close_part(f)) return failed(err, "write", f->target, strerror(errno));
  if (rename(f->part, f->target) != 0)
    return failed(err, "rename a download to", f->target, strerror(errno));
  f->unfinished = false;
  return CBC_OK;
}

void cbc_file_free(cbc_file *f) {
  if (f == NULL) return;
  if (f->fd >= 0) close_part(f);
  if (f->unfinished) unlink(f->part);
  cbc_free(f->env, f, f->size);
}
