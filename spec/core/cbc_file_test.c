/*
** cbc_file_test.c - a file that appears only when it is whole.
*/
#define _XOPEN_SOURCE 700 /* setitimer */

#include "testenv.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "cbc_file.h"
#include "testfolder.h"

static cbc_file *create(testenv *t, const char *name) {
  cbc_error err;
  cbc_file *f = cbc_file_create(&t->env, name, &err);
  assert_non_null(f);
  return f;
}

static void add(cbc_file *f, const char *text) {
  cbc_error err;
  assert_int_equal(cbc_file_write(f, text, strlen(text), &err), CBC_OK);
}

/* ==== Written whole =================================================== */

static void the_target_appears_when_it_is_committed(void **state) {
  testenv t;
  cbc_error err;
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  f = create(&t, "out.xlsx");
  add(f, "one ");
  add(f, "");
  add(f, "two");
  assert_int_equal(access("out.xlsx", F_OK), -1);
  assert_int_equal(testfolder_count(), 1);
  assert_int_equal(cbc_file_commit(f, &err), CBC_OK);
  testfolder_holds("out.xlsx", "one two");
  assert_int_equal(testfolder_count(), 1);
  cbc_file_free(f);
  testfolder_holds("out.xlsx", "one two");
  testenv_check(&t);
}

static void what_is_not_committed_is_removed(void **state) {
  testenv t;
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  f = create(&t, "out.xlsx");
  add(f, "half of ");
  cbc_file_free(f);
  assert_int_equal(testfolder_count(), 0);
  cbc_file_free(NULL);
  testenv_check(&t);
}

static void a_file_that_was_there_stays_until_then(void **state) {
  testenv t;
  cbc_error err;
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  testfolder_put("out.xlsx", "what was there before");
  f = create(&t, "out.xlsx");
  add(f, "new");
  testfolder_holds("out.xlsx", "what was there before");
  cbc_file_free(f);
  testfolder_holds("out.xlsx", "what was there before");
  f = create(&t, "out.xlsx");
  add(f, "new");
  assert_int_equal(cbc_file_commit(f, &err), CBC_OK);
  testfolder_holds("out.xlsx", "new");
  cbc_file_free(f);
  testenv_check(&t);
}

static void it_can_begin_again(void **state) {
  testenv t;
  cbc_error err;
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  f = create(&t, "out.xlsx");
  add(f, "a long first attempt");
  assert_int_equal(cbc_file_rewind(f, &err), CBC_OK);
  add(f, "short");
  assert_int_equal(cbc_file_commit(f, &err), CBC_OK);
  testfolder_holds("out.xlsx", "short");
  cbc_file_free(f);
  testenv_check(&t);
}

static void it_may_be_empty(void **state) {
  testenv t;
  cbc_error err;
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  f = create(&t, "out.xlsx");
  assert_int_equal(cbc_file_rewind(f, &err), CBC_OK);
  assert_int_equal(cbc_file_commit(f, &err), CBC_OK);
  testfolder_holds("out.xlsx", "");
  cbc_file_free(f);
  testenv_check(&t);
}

/* As open() makes files: the umask decides. */
static void it_has_the_mode_that_the_umask_leaves(void **state) {
  testenv t;
  cbc_error err;
  struct stat st;
  mode_t before = umask(027);
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  f = create(&t, "out.xlsx");
  assert_int_equal(cbc_file_commit(f, &err), CBC_OK);
  cbc_file_free(f);
  umask(before);
  assert_int_equal(stat("out.xlsx", &st), 0);
  assert_int_equal(st.st_mode & 0777, 0640);
}

/* Chance gives both the same number. */
static void two_at_once_do_not_meet(void **state) {
  testenv t;
  cbc_error err;
  cbc_file *one, *other;
  (void)state;
  testenv_init(&t);
  one = create(&t, "out.xlsx");
  other = create(&t, "out.xlsx");
  add(one, "one");
  add(other, "other");
  assert_int_equal(testfolder_count(), 2);
  assert_int_equal(cbc_file_commit(other, &err), CBC_OK);
  cbc_file_free(other);
  testfolder_holds("out.xlsx", "other");
  assert_int_equal(cbc_file_commit(one, &err), CBC_OK);
  cbc_file_free(one);
  testfolder_holds("out.xlsx", "one");
  assert_int_equal(testfolder_count(), 1);
  testenv_check(&t);
}

static void one_that_is_committed_is_nobodys_to_remove(void **state) {
  testenv t;
  cbc_error err;
  cbc_file *one, *other;
  (void)state;
  testenv_init(&t);
  one = create(&t, "out.xlsx");
  assert_int_equal(cbc_file_commit(one, &err), CBC_OK);
  other = create(&t, "out.xlsx");
  add(other, "other");
  cbc_file_free(one);
  assert_int_equal(cbc_file_commit(other, &err), CBC_OK);
  testfolder_holds("out.xlsx", "other");
  cbc_file_free(other);
  testenv_check(&t);
}

static void names_that_are_taken_are_left_alone(void **state) {
  testenv t;
  cbc_error err;
  char name[64];
  (void)state;
  testenv_init(&t);
  for (int i = 0; i < 100; i++) {
    snprintf(name, sizeof name, "out.xlsx.part-%08x", (unsigned)i);
    testfolder_put(name, "somebody else's");
  }
  assert_null(cbc_file_create(&t.env, "out.xlsx", &err));
  assert_int_equal(err.code, CBC_EFILE);
  assert_string_equal(err.message, "can't write 'out.xlsx': File exists");
  assert_int_equal(testfolder_count(), 100);
  testfolder_holds("out.xlsx.part-00000063", "somebody else's");
  testenv_check(&t);
}

/* ==== Failures ======================================================== */

static void assert_refused(const char *path, const char *message) {
  testenv t;
  cbc_error err;
  int names = testfolder_count();
  testenv_init(&t);
  assert_null(cbc_file_create(&t.env, path, &err));
  assert_int_equal(err.code, CBC_EFILE);
  assert_string_equal(err.message, message);
  assert_int_equal(testfolder_count(), names);
  testenv_check(&t);
}

static void a_folder_that_is_not_there_is_told(void **state) {
  (void)state;
  testfolder_put("plain", "");
  assert_refused("none/out.xlsx", "can't write 'none/out.xlsx': No such file or directory");
  assert_refused("plain/out.xlsx", "can't write 'plain/out.xlsx': Not a directory");
}

static void a_target_that_is_a_folder_is_told(void **state) {
  (void)state;
  assert_int_equal(mkdir("sub", 0700), 0);
  assert_refused("sub", "can't write 'sub': Is a directory");
  assert_refused("sub/", "can't write 'sub/': Is a directory");
}

/* Whoever may write everywhere has to be somebody else for a moment. */
static void a_folder_that_must_not_be_written_to_is_told(void **state) {
  bool root = geteuid() == 0;
  (void)state;
  assert_int_equal(chmod(".", 0555), 0);
  if (root) assert_int_equal(seteuid(65534), 0);
  assert_refused("out.xlsx", "can't write 'out.xlsx': Permission denied");
  if (root) assert_int_equal(seteuid(0), 0);
}

static void memory_that_ends_is_told(void **state) {
  testenv t;
  cbc_error err;
  (void)state;
  testenv_init(&t);
  testenv_fail(&t, 1, false);
  assert_null(cbc_file_create(&t.env, "out.xlsx", &err));
  assert_int_equal(err.code, CBC_ENOMEM);
  assert_int_equal(testfolder_count(), 0);
  testenv_check(&t);
}

/* The limit stands for a disk that is full: some bytes still fit. */
static void a_full_disk_is_told_and_nothing_stays(void **state) {
  testenv t;
  cbc_error err;
  struct rlimit before, least;
  cbc_code rc;
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  signal(SIGXFSZ, SIG_IGN);
  getrlimit(RLIMIT_FSIZE, &before);
  f = create(&t, "out.xlsx");
  least = (struct rlimit){.rlim_cur = 10, .rlim_max = before.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &least), 0);
  rc = cbc_file_write(f, "0123456789abcdef", 16, &err);
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_DFL);
  assert_int_equal(rc, CBC_EFILE);
  assert_string_equal(err.message, "can't write 'out.xlsx': File too large");
  cbc_file_free(f);
  assert_int_equal(testfolder_count(), 0);
  testenv_check(&t);
}

static void a_name_that_can_not_be_given_is_told_and_nothing_stays(void **state) {
  testenv t;
  cbc_error err;
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  f = create(&t, "sub");
  add(f, "bytes");
  /* Meanwhile somebody makes a folder of that name. */
  assert_int_equal(mkdir("sub", 0700), 0);
  assert_int_equal(mkdir("sub/inside", 0700), 0);
  assert_int_equal(cbc_file_commit(f, &err), CBC_EFILE);
  assert_string_equal(err.message, "can't rename a download to 'sub': Is a directory");
  cbc_file_free(f);
  assert_int_equal(testfolder_count(), 1);
  testenv_check(&t);
}

/* ==== What is no regular file ========================================= */

static void a_device_is_written_to_as_it_is(void **state) {
  testenv t;
  cbc_error err;
  struct stat st;
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  assert_int_equal(symlink("/dev/null", "nowhere"), 0);
  f = create(&t, "nowhere");
  assert_int_equal(testfolder_count(), 1);
  assert_int_equal(cbc_file_rewind(f, &err), CBC_OK);
  add(f, "bytes");
  assert_int_equal(cbc_file_commit(f, &err), CBC_OK);
  cbc_file_free(f);
  assert_int_equal(lstat("nowhere", &st), 0);
  assert_true(S_ISLNK(st.st_mode));
  assert_int_equal(stat("/dev/null", &st), 0);
  assert_true(S_ISCHR(st.st_mode));
  testenv_check(&t);
}

static void a_full_device_is_told(void **state) {
  testenv t;
  cbc_error err;
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  f = create(&t, "/dev/full");
  assert_int_equal(cbc_file_write(f, "x", 1, &err), CBC_EFILE);
  assert_string_equal(err.message, "can't write '/dev/full': No space left on device");
  cbc_file_free(f);
  assert_int_equal(access("/dev/full", F_OK), 0);
  testenv_check(&t);
}

static void a_pipe_can_not_begin_again_once_it_has_bytes(void **state) {
  testenv t;
  cbc_error err;
  char bytes[10];
  int reader;
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  assert_int_equal(mkfifo("pipe", 0600), 0);
  reader = open("pipe", O_RDONLY | O_NONBLOCK);
  f = create(&t, "pipe");
  assert_int_equal(cbc_file_rewind(f, &err), CBC_OK);
  add(f, "");
  assert_int_equal(cbc_file_rewind(f, &err), CBC_OK);
  add(f, "bytes");
  assert_int_equal(cbc_file_rewind(f, &err), CBC_EFILE);
  assert_string_equal(err.message, "can't rewrite 'pipe': it is no regular file");
  cbc_file_free(f);
  assert_int_equal(read(reader, bytes, sizeof bytes), 5);
  close(reader);
  assert_int_equal(testfolder_count(), 1);
  testenv_check(&t);
}

#define PIPE_SIZE 65536

static int drained = -1; /* the pipe's other end */
static char arrived[3 * PIPE_SIZE];
static volatile size_t arrived_size;

static void on_alarm(int number) {
  ssize_t n = read(drained, arrived + arrived_size, sizeof arrived - arrived_size);
  (void)number;
  if (n > 0) arrived_size += (size_t)n;
}

/* A signal interrupts a write that waits for room: the first time before any
** byte of it went, later with some gone. */
static void writing_goes_on_after_a_signal(void **state) {
  static char bytes[2 * PIPE_SIZE];
  struct sigaction action = {.sa_handler = on_alarm}, before;
  struct itimerval often = {{.tv_usec = 20000}, {.tv_usec = 20000}}, never = {{0}, {0}};
  testenv t;
  cbc_error err;
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (char)(i / 7);
  arrived_size = 0;
  assert_int_equal(mkfifo("pipe", 0600), 0);
  drained = open("pipe", O_RDONLY | O_NONBLOCK);
  f = create(&t, "pipe");
  assert_int_equal(cbc_file_write(f, bytes, PIPE_SIZE, &err), CBC_OK);
  sigaction(SIGALRM, &action, &before);
  setitimer(ITIMER_REAL, &often, NULL);
  assert_int_equal(cbc_file_write(f, bytes, sizeof bytes, &err), CBC_OK);
  setitimer(ITIMER_REAL, &never, NULL);
  sigaction(SIGALRM, &before, NULL);
  on_alarm(0);
  assert_int_equal(arrived_size, 3 * PIPE_SIZE);
  assert_memory_equal(arrived, bytes, PIPE_SIZE);
  assert_memory_equal(arrived + PIPE_SIZE, bytes, sizeof bytes);
  cbc_file_free(f);
  close(drained);
  testenv_check(&t);
}

static void a_device_that_must_not_be_written_to_is_told(void **state) {
  (void)state;
  assert_int_equal(mkfifo("pipe", 0400), 0);
  if (geteuid() == 0) {
    assert_int_equal(chmod(".", 0755), 0);
    assert_int_equal(seteuid(65534), 0);
  }
  assert_refused("pipe", "can't write 'pipe': Permission denied");
  if (getuid() == 0) assert_int_equal(seteuid(0), 0);
}

static void a_link_stays_and_its_file_keeps_its_mode(void **state) {
  cbc_error err;
  cbc_file *f;
  struct stat st;
  (void)state;
  testfolder_put("old.xlsx", "old");
  assert_int_equal(chmod("old.xlsx", 0640), 0);
  assert_int_equal(symlink("old.xlsx", "link.xlsx"), 0);
  f = cbc_file_create(cbc_env_default(), "link.xlsx", &err);
  assert_non_null(f);
  assert_int_equal(cbc_file_write(f, "new", 3, &err), CBC_OK);
  assert_int_equal(cbc_file_commit(f, &err), CBC_OK);
  cbc_file_free(f);
  assert_int_equal(lstat("link.xlsx", &st), 0);
  assert_true(S_ISLNK(st.st_mode));
  assert_int_equal(stat("old.xlsx", &st), 0);
  assert_int_equal(st.st_mode & 07777, 0640);
  assert_int_equal(st.st_size, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_FOLDER(the_target_appears_when_it_is_committed),
      IN_FOLDER(what_is_not_committed_is_removed),
      IN_FOLDER(a_file_that_was_there_stays_until_then),
      IN_FOLDER(it_can_begin_again),
      IN_FOLDER(it_may_be_empty),
      IN_FOLDER(it_has_the_mode_that_the_umask_leaves),
      IN_FOLDER(two_at_once_do_not_meet),
      IN_FOLDER(one_that_is_committed_is_nobodys_to_remove),
      IN_FOLDER(names_that_are_taken_are_left_alone),
      IN_FOLDER(a_folder_that_is_not_there_is_told),
      IN_FOLDER(a_target_that_is_a_folder_is_told),
      IN_FOLDER(a_folder_that_must_not_be_written_to_is_told),
      IN_FOLDER(memory_that_ends_is_told),
      IN_FOLDER(a_full_disk_is_told_and_nothing_stays),
      IN_FOLDER(a_name_that_can_not_be_given_is_told_and_nothing_stays),
      IN_FOLDER(a_device_is_written_to_as_it_is),
      IN_FOLDER(a_full_device_is_told),
      IN_FOLDER(a_pipe_can_not_begin_again_once_it_has_bytes),
      IN_FOLDER(writing_goes_on_after_a_signal),
      IN_FOLDER(a_device_that_must_not_be_written_to_is_told),
      IN_FOLDER(a_link_stays_and_its_file_keeps_its_mode)};
  return cmocka_run_group_tests_name("cbc_file", tests, NULL, NULL);
}
