/*
** cbc_file_test.c - a file that appears only when it is whole.
*/
#define _DEFAULT_SOURCE /* syscall */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cbc_file.h"
#include "testfolder.h"

/* ==== The system's functions, as they are or failing ================== */

static struct {
  int write_error;   /* errno of the next write, once; 0: none */
  size_t write_most; /* bytes that a write takes; 0: all */
  int fsync_error;
  bool fsync_closes; /* the descriptor is no good afterwards */
  int fsyncs;
  const char *absent; /* a name that must not be there when fsync is called */
  int ftruncate_error;
  int fchown_error;
  uid_t owner;               /* that fchown last asked for */
  gid_t group;               /* the same */
  mode_t mode_before_fchmod; /* what it had when fchmod was called */
} calls;

static int fail_with(int error) {
  errno = error;
  return -1;
}

/* The linker takes these for the core's calls, rather than the C library's. */
ssize_t write(int fd, const void *bytes, size_t n) {
  int error = calls.write_error;
  calls.write_error = 0;
  if (error != 0) return fail_with(error);
  if (calls.write_most != 0 && n > calls.write_most) n = calls.write_most;
  return syscall(SYS_write, fd, bytes, n);
}

int fsync(int fd) {
  calls.fsyncs++;
  if (calls.absent != NULL) assert_int_equal(access(calls.absent, F_OK), -1);
  if (calls.fsync_closes) close(fd);
  return calls.fsync_error != 0 ? fail_with(calls.fsync_error) : 0;
}

int ftruncate(int fd, off_t size) {
  if (calls.ftruncate_error != 0) return fail_with(calls.ftruncate_error);
  return (int)syscall(SYS_ftruncate, fd, size);
}

int fchown(int fd, uid_t owner, gid_t group) {
  calls.owner = owner;
  calls.group = group;
  if (calls.fchown_error != 0) return fail_with(calls.fchown_error);
  return (int)syscall(SYS_fchown, fd, owner, group);
}

int fchmod(int fd, mode_t mode) {
  struct stat st;
  assert_int_equal(fstat(fd, &st), 0);
  calls.mode_before_fchmod = st.st_mode & 07777;
  return (int)syscall(SYS_fchmod, fd, mode);
}

/* ==== Helpers ========================================================= */

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

/* Nothing is opened: that could wait for the other end, and written to, for the
** reader. */
static void what_could_block_is_refused_at_once(void **state) {
  struct stat st;
  (void)state;
  assert_int_equal(mkfifo("pipe", 0600), 0);
  assert_int_equal(symlink("pipe", "link"), 0);
  assert_int_equal(symlink("/dev/null", "nowhere"), 0);
  assert_refused("pipe", "can't write 'pipe': it is no regular file; give a function");
  assert_refused("link", "can't write 'link': it is no regular file; give a function");
  assert_refused("nowhere", "can't write 'nowhere': it is no regular file; give a function");
  assert_refused("/dev/null", "can't write '/dev/null': it is no regular file; give a function");
  assert_refused("/dev/full", "can't write '/dev/full': it is no regular file; give a function");
  assert_int_equal(stat("pipe", &st), 0);
  assert_true(S_ISFIFO(st.st_mode));
  assert_int_equal(lstat("nowhere", &st), 0);
  assert_true(S_ISLNK(st.st_mode));
  assert_int_equal(stat("/dev/null", &st), 0);
  assert_true(S_ISCHR(st.st_mode));
}

static void a_link_to_a_file_stays_and_the_file_is_replaced(void **state) {
  testenv t;
  cbc_error err;
  struct stat st;
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  testfolder_put("old.xlsx", "old");
  assert_int_equal(chmod("old.xlsx", 0640), 0);
  assert_int_equal(symlink("old.xlsx", "link.xlsx"), 0);
  f = create(&t, "link.xlsx");
  add(f, "new");
  assert_int_equal(cbc_file_commit(f, &err), CBC_OK);
  cbc_file_free(f);
  assert_int_equal(lstat("link.xlsx", &st), 0);
  assert_true(S_ISLNK(st.st_mode));
  testfolder_holds("old.xlsx", "new");
  assert_int_equal(stat("old.xlsx", &st), 0);
  assert_int_equal(st.st_mode & 07777, 0640);
  testenv_check(&t);
}

/* ==== Who may read it ================================================= */

/* The mode of the only other file in the folder but name. */
static mode_t mode_of_part(const char *name) {
  char part[64];
  struct stat st;
  snprintf(part, sizeof part, "%s.part-00000000", name);
  assert_int_equal(stat(part, &st), 0);
  return st.st_mode & 07777;
}

static mode_t mode_of(const char *name) {
  struct stat st;
  assert_int_equal(stat(name, &st), 0);
  return st.st_mode & 07777;
}

/* Replaces a file of one mode under the strangest umask, and returns the mode of
** what is there then. */
static mode_t mode_after_replacing(mode_t mode) {
  testenv t;
  cbc_error err;
  mode_t before;
  cbc_file *f;
  testenv_init(&t);
  testfolder_put("out.xlsx", "old");
  assert_int_equal(chmod("out.xlsx", mode), 0);
  before = umask(0777);
  f = create(&t, "out.xlsx");
  umask(before);
  assert_int_equal(mode_of_part("out.xlsx"), mode & 0777);
  assert_int_equal(cbc_file_commit(f, &err), CBC_OK);
  cbc_file_free(f);
  testenv_check(&t);
  mode = mode_of("out.xlsx");
  remove("out.xlsx");
  return mode;
}

static void a_file_that_is_replaced_leaves_its_mode(void **state) {
  static const mode_t modes[] = {0600, 0640, 0644, 0666, 0400, 0604, 0777, 0000};
  (void)state;
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
    assert_int_equal(mode_after_replacing(modes[i]), modes[i]);
}

static void no_bit_that_lends_rights_is_left(void **state) {
  (void)state;
  assert_int_equal(mode_after_replacing(04755), 0755);
  assert_int_equal(mode_after_replacing(02750), 0750);
  assert_int_equal(mode_after_replacing(01644), 0644);
  assert_int_equal(mode_after_replacing(07777), 0777);
}

/* Someone who opens the unfinished file while nobody looks can read it later. */
static void at_no_moment_is_it_more_open_than_what_it_replaces(void **state) {
  testenv t;
  mode_t before = umask(0);
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  testfolder_put("out.xlsx", "old");
  assert_int_equal(chmod("out.xlsx", 0640), 0);
  calls.mode_before_fchmod = 07777;
  f = create(&t, "out.xlsx");
  umask(before);
  assert_int_equal(calls.mode_before_fchmod, 0600);
  assert_int_equal(mode_of_part("out.xlsx"), 0640);
  cbc_file_free(f);
  assert_int_equal(chmod("out.xlsx", 0400), 0);
  f = create(&t, "out.xlsx");
  assert_int_equal(calls.mode_before_fchmod, 0400);
  cbc_file_free(f);
  testenv_check(&t);
}

/* Who is in our group need not be in the other's, nor the other way round. */
static void another_group_gets_no_more_than_it_had(void **state) {
  static const mode_t rows[][2] = {{0640, 0600}, {0664, 0644}, {0644, 0644}, {0604, 0600}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    testenv t;
    cbc_file *f;
    testenv_init(&t);
    testfolder_put("out.xlsx", "old");
    assert_int_equal(chmod("out.xlsx", rows[i][0]), 0);
    calls.fchown_error = EPERM;
    f = create(&t, "out.xlsx");
    calls.fchown_error = 0;
    assert_int_equal(mode_of_part("out.xlsx"), rows[i][1]);
    cbc_file_free(f);
    testenv_check(&t);
  }
}

static void the_group_stays(void **state) {
  testenv t;
  struct stat old, part;
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  testfolder_put("out.xlsx", "old");
  /* Whoever may give files away tries a group that is not theirs. */
  if (geteuid() == 0) assert_int_equal(chown("out.xlsx", (uid_t)-1, 12345), 0);
  assert_int_equal(stat("out.xlsx", &old), 0);
  f = create(&t, "out.xlsx");
  assert_int_equal(stat("out.xlsx.part-00000000", &part), 0);
  assert_int_equal(part.st_gid, old.st_gid);
  assert_int_equal(calls.group, old.st_gid);
  assert_true(calls.owner == (uid_t)-1);
  cbc_file_free(f);
  testenv_check(&t);
}

/* ==== The system's failures =========================================== */

static void signals_and_short_writes_lose_nothing(void **state) {
  testenv t;
  cbc_error err;
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  f = create(&t, "out.xlsx");
  calls.write_error = EINTR;
  calls.write_most = 3;
  assert_int_equal(cbc_file_write(f, "0123456789", 10, &err), CBC_OK);
  calls.write_most = 0;
  assert_int_equal(calls.write_error, 0);
  assert_int_equal(cbc_file_commit(f, &err), CBC_OK);
  testfolder_holds("out.xlsx", "0123456789");
  cbc_file_free(f);
  testenv_check(&t);
}

/* What the disk has not taken is no file, whatever write said. */
static void what_the_disk_does_not_take_is_not_committed(void **state) {
  testenv t;
  cbc_error err;
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  testfolder_put("out.xlsx", "what was there before");
  f = create(&t, "out.xlsx");
  add(f, "new");
  calls.fsync_error = EIO;
  assert_int_equal(cbc_file_commit(f, &err), CBC_EFILE);
  calls.fsync_error = 0;
  assert_string_equal(err.message, "can't write 'out.xlsx': Input/output error");
  testfolder_holds("out.xlsx", "what was there before");
  cbc_file_free(f);
  testfolder_holds("out.xlsx", "what was there before");
  assert_int_equal(testfolder_count(), 1);
  testenv_check(&t);
}

static void it_is_on_the_disk_before_it_has_its_name(void **state) {
  testenv t;
  cbc_error err;
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  f = create(&t, "out.xlsx");
  add(f, "new");
  calls.fsyncs = 0;
  calls.absent = "out.xlsx";
  assert_int_equal(cbc_file_commit(f, &err), CBC_OK);
  calls.absent = NULL;
  assert_int_equal(calls.fsyncs, 1);
  cbc_file_free(f);
  testenv_check(&t);
}

/* Some file systems report only then that the bytes are lost. */
static void a_failure_to_close_is_reported(void **state) {
  testenv t;
  cbc_error err;
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  f = create(&t, "out.xlsx");
  calls.fsync_closes = true;
  assert_int_equal(cbc_file_commit(f, &err), CBC_EFILE);
  calls.fsync_closes = false;
  assert_string_equal(err.message, "can't write 'out.xlsx': Bad file descriptor");
  cbc_file_free(f);
  assert_int_equal(testfolder_count(), 0);
  testenv_check(&t);
}

static void what_can_not_begin_again_is_reported(void **state) {
  testenv t;
  cbc_error err;
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  f = create(&t, "out.xlsx");
  add(f, "bytes");
  calls.ftruncate_error = EIO;
  assert_int_equal(cbc_file_rewind(f, &err), CBC_EFILE);
  calls.ftruncate_error = 0;
  assert_string_equal(err.message, "can't rewrite 'out.xlsx': Input/output error");
  cbc_file_free(f);
  testenv_check(&t);
}

/* A program without a standard input has 0 to give away. */
static void any_descriptor_will_do(void **state) {
  testenv t;
  cbc_error err;
  int input = dup(0);
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  close(0);
  errno = EEXIST;
  f = create(&t, "out.xlsx");
  assert_int_not_equal(fcntl(0, F_GETFD), -1);
  add(f, "bytes");
  assert_int_equal(cbc_file_commit(f, &err), CBC_OK);
  cbc_file_free(f);
  testfolder_holds("out.xlsx", "bytes");
  f = create(&t, "out.xlsx");
  cbc_file_free(f);
  assert_int_equal(fcntl(0, F_GETFD), -1);
  assert_int_equal(dup2(input, 0), 0);
  close(input);
  testenv_check(&t);
}

static void no_child_gets_its_descriptor(void **state) {
  testenv t;
  int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  cbc_file *f;
  (void)state;
  testenv_init(&t);
  close(fd);
  f = create(&t, "out.xlsx"); /* has the number that is free */
  assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  cbc_file_free(f);
  assert_int_equal(fcntl(fd, F_GETFD), -1);
  testenv_check(&t);
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
      IN_FOLDER(what_could_block_is_refused_at_once),
      IN_FOLDER(a_link_to_a_file_stays_and_the_file_is_replaced),
      IN_FOLDER(a_file_that_is_replaced_leaves_its_mode),
      IN_FOLDER(no_bit_that_lends_rights_is_left),
      IN_FOLDER(at_no_moment_is_it_more_open_than_what_it_replaces),
      IN_FOLDER(another_group_gets_no_more_than_it_had),
      IN_FOLDER(the_group_stays),
      IN_FOLDER(signals_and_short_writes_lose_nothing),
      IN_FOLDER(what_the_disk_does_not_take_is_not_committed),
      IN_FOLDER(it_is_on_the_disk_before_it_has_its_name),
      IN_FOLDER(a_failure_to_close_is_reported),
      IN_FOLDER(what_can_not_begin_again_is_reported),
      IN_FOLDER(any_descriptor_will_do),
      IN_FOLDER(no_child_gets_its_descriptor)};
  return cmocka_run_group_tests_name("cbc_file", tests, NULL, NULL);
}
