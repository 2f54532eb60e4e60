/*
** cbc_input_test.c - a local file that is read while it is sent.
*/
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cbc_input.h"
#include "testfolder.h"

/* ==== Opening ========================================================= */

static void assert_unreadable(const char *path, const char *message) {
  cbc_input in;
  cbc_error err;
  assert_int_equal(cbc_input_open(&in, path, &err), CBC_EFILE);
  assert_int_equal(err.code, CBC_EFILE);
  assert_string_equal(err.message, message);
  assert_int_equal(in.fd, -1);
  assert_int_equal(cbc_input_check(path, &err), CBC_EFILE);
  assert_string_equal(err.message, message);
}

static void what_can_be_read_is_reported(void **state) {
  cbc_error err = {.code = CBC_EFILE};
  (void)state;
  testfolder_put("in.xlsx", "");
  assert_int_equal(cbc_input_check("in.xlsx", &err), CBC_OK);
  assert_int_equal(err.code, CBC_OK);
  assert_int_equal(symlink("in.xlsx", "link.xlsx"), 0);
  assert_int_equal(cbc_input_check("link.xlsx", &err), CBC_OK);
}

static void what_can_not_be_read_is_reported(void **state) {
  (void)state;
  testfolder_put("plain", "");
  assert_int_equal(mkdir("sub", 0700), 0);
  assert_unreadable("none.xlsx", "can't read 'none.xlsx': No such file or directory");
  assert_unreadable("plain/in.xlsx", "can't read 'plain/in.xlsx': Not a directory");
  assert_unreadable("sub", "can't read 'sub': it is a directory");
}

/* Nobody waits for the other end, now or later. */
static void what_could_block_is_refused_at_once(void **state) {
  (void)state;
  assert_int_equal(mkfifo("pipe", 0600), 0);
  assert_unreadable("pipe", "can't read 'pipe': it is no regular file; give a reader");
  assert_unreadable("/dev/zero", "can't read '/dev/zero': it is no regular file; give a reader");
}

static void no_child_gets_its_descriptor(void **state) {
  cbc_input in;
  cbc_error err;
  (void)state;
  testfolder_put("in.xlsx", "bytes");
  assert_int_equal(cbc_input_open(&in, "in.xlsx", &err), CBC_OK);
  assert_true(fcntl(in.fd, F_GETFD) & FD_CLOEXEC);
  cbc_input_close(&in);
  cbc_input_close(&in);
  assert_int_equal(in.fd, -1);
}

/* ==== Reading ========================================================= */

static cbc_input open_input(const char *name) {
  cbc_input in;
  cbc_error err;
  assert_int_equal(cbc_input_open(&in, name, &err), CBC_OK);
  return in;
}

static void assert_read(cbc_input *in, size_t room, const char *expected) {
  char bytes[100];
  size_t n = 99;
  cbc_error err;
  assert_int_equal(cbc_input_read(in, bytes, room, &n, &err), CBC_OK);
  assert_int_equal(n, strlen(expected));
  assert_memory_equal(bytes, expected, n);
}

static void it_is_read_piece_by_piece_to_its_end(void **state) {
  cbc_input in;
  (void)state;
  testfolder_put("in.xlsx", "0123456789");
  in = open_input("in.xlsx");
  assert_int_equal(in.size, 10);
  assert_read(&in, 4, "0123");
  assert_read(&in, 4, "4567");
  assert_read(&in, 4, "89");
  assert_read(&in, 4, "");
  assert_read(&in, 4, "");
  cbc_input_close(&in);
}

/* A program without a standard input has 0 to give away. */
static void any_descriptor_will_do(void **state) {
  int input = dup(0);
  cbc_input in;
  (void)state;
  testfolder_put("in.xlsx", "0123456789");
  close(0);
  in = open_input("in.xlsx");
  assert_int_equal(in.fd, 0);
  assert_read(&in, 99, "0123456789");
  cbc_input_close(&in);
  assert_int_equal(fcntl(0, F_GETFD), -1);
  assert_int_equal(dup2(input, 0), 0);
  close(input);
}

static void it_may_be_empty(void **state) {
  cbc_input in;
  (void)state;
  testfolder_put("in.xlsx", "");
  in = open_input("in.xlsx");
  assert_int_equal(in.size, 0);
  assert_read(&in, 4, "");
  cbc_input_close(&in);
}

static void reading_goes_on_where_it_is_told_to(void **state) {
  cbc_input in;
  (void)state;
  testfolder_put("in.xlsx", "0123456789");
  in = open_input("in.xlsx");
  assert_read(&in, 8, "01234567");
  assert_true(cbc_input_seek(&in, 0));
  assert_read(&in, 3, "012");
  assert_true(cbc_input_seek(&in, 10));
  assert_read(&in, 3, "");
  assert_false(cbc_input_seek(&in, 11));
  assert_false(cbc_input_seek(&in, -1));
  assert_true(cbc_input_seek(&in, 9));
  assert_read(&in, 3, "9");
  cbc_input_close(&in);
}

/* ==== Changes meanwhile =============================================== */

static void what_it_gets_meanwhile_is_left_aside(void **state) {
  cbc_input in;
  (void)state;
  testfolder_put("in.xlsx", "0123456789");
  in = open_input("in.xlsx");
  assert_read(&in, 4, "0123");
  testfolder_put("in.xlsx", "0123456789and more");
  assert_read(&in, 99, "456789");
  assert_read(&in, 99, "");
  cbc_input_close(&in);
}

static void what_it_loses_meanwhile_is_reported(void **state) {
  char bytes[10];
  size_t n = 99;
  cbc_input in;
  cbc_error err;
  (void)state;
  testfolder_put("in.xlsx", "0123456789");
  in = open_input("in.xlsx");
  assert_read(&in, 4, "0123");
  assert_int_equal(truncate("in.xlsx", 7), 0);
  assert_read(&in, 10, "456");
  assert_int_equal(cbc_input_read(&in, bytes, sizeof bytes, &n, &err), CBC_EFILE);
  assert_int_equal(n, 0);
  assert_string_equal(err.message,
                      "can't read 'in.xlsx': it became shorter while it was sent, 3 of its 10 "
                      "bytes are missing");
  cbc_input_close(&in);
}

static void its_name_may_go(void **state) {
  cbc_input in;
  (void)state;
  testfolder_put("in.xlsx", "0123456789");
  in = open_input("in.xlsx");
  assert_int_equal(remove("in.xlsx"), 0);
  testfolder_put("in.xlsx", "another");
  assert_read(&in, 99, "0123456789");
  cbc_input_close(&in);
}

static void what_the_system_can_not_read_is_reported(void **state) {
  char bytes[10];
  size_t n = 99;
  cbc_input in;
  cbc_error err;
  (void)state;
  testfolder_put("in.xlsx", "0123456789");
  in = open_input("in.xlsx");
  close(in.fd);
  in.fd = open(".", O_RDONLY | O_CLOEXEC);
  assert_int_equal(cbc_input_read(&in, bytes, sizeof bytes, &n, &err), CBC_EFILE);
  assert_string_equal(err.message, "can't read 'in.xlsx': Is a directory");
  cbc_input_close(&in);
}

int main(void) {
  const struct CMUnitTest tests[] = {IN_FOLDER(what_can_be_read_is_reported),
                                     IN_FOLDER(what_can_not_be_read_is_reported),
                                     IN_FOLDER(what_could_block_is_refused_at_once),
                                     IN_FOLDER(no_child_gets_its_descriptor),
                                     IN_FOLDER(it_is_read_piece_by_piece_to_its_end),
                                     IN_FOLDER(any_descriptor_will_do),
                                     IN_FOLDER(it_may_be_empty),
                                     IN_FOLDER(reading_goes_on_where_it_is_told_to),
                                     IN_FOLDER(what_it_gets_meanwhile_is_left_aside),
                                     IN_FOLDER(what_it_loses_meanwhile_is_reported),
                                     IN_FOLDER(its_name_may_go),
                                     IN_FOLDER(what_the_system_can_not_read_is_reported)};
  return cmocka_run_group_tests_name("cbc_input", tests, NULL, NULL);
}
