/*
** testfolder.c - a folder of its own for each test of local files.
*/
#define _DARWIN_C_SOURCE /* mkdtemp */

#include "testfolder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/cbc_test.XXXXXX";
static int descriptors_before;

/* How many are open, among the first, which are given out first. */
static int count_descriptors(void) {
  int n = 0;
  for (int fd = 0; fd < 256; fd++)
    n += fcntl(fd, F_GETFD) != -1;
  return n;
}

int testfolder_enter(void **state) {
  (void)state;
  descriptors_before = count_descriptors();
  strcpy(strrchr(folder, '.'), ".XXXXXX");
  return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

/* Calls a function for each name in a folder but "." and "..". Returns how many
** there are. */
static int each_name(const char *path, int (*call)(const char *)) {
  DIR *d = opendir(path);
  struct dirent *e;
  int n = 0;
  assert_non_null(d);
  while ((e = readdir(d)) != NULL) {
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
    n++;
    if (call != NULL) call(e->d_name);
  }
  closedir(d);
  return n;
}

int testfolder_leave(void **state) {
  (void)state;
  chmod(".", 0700);
  rmdir("sub/inside");
  each_name(".", remove);
  return chdir("/") != 0 || rmdir(folder) != 0 || count_descriptors() != descriptors_before;
}

int testfolder_count(void) {
  return each_name(".", NULL);
}

void testfolder_put(const char *name, const char *text) {
  FILE *f = fopen(name, "wb");
  assert_non_null(f);
  fputs(text, f);
  fclose(f);
}

void testfolder_holds(const char *name, const char *text) {
  char bytes[100];
  size_t n;
  FILE *f = fopen(name, "rb");
  assert_non_null(f);
  n = fread(bytes, 1, sizeof bytes, f);
  fclose(f);
  assert_int_equal(n, strlen(text));
  assert_memory_equal(bytes, text, n);
}
