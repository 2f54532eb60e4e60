/*
** cbc_header_test.c - what header values mean, and which ones may be sent.
*/
#include "testenv.h"

#include <string.h>

#include "cbc_header.h"

/* Thu, 01 Jan 2026 00:00:00 GMT */
#define NEW_YEAR 1767225600.0

/* Ten seconds before it. */
static double after(const char *value) {
  return cbc_header_retry_after(value, NEW_YEAR - 10);
}

static void assert_after(const char *value, double seconds) {
  if (!testenv_same(after(value), seconds))
    fail_msg("Retry-After: %s gave %f rather than %f", value, after(value), seconds);
}

static void seconds_are_seconds(void **state) {
  (void)state;
  assert_after("0", 0);
  assert_after("1", 1);
  assert_after("120", 120);
  assert_after("007", 7);
  assert_after(" 5 ", 5);
  assert_after("\t5\t ", 5);
  assert_after("86400", 86400);
}

static void endless_seconds_stay_endless_and_finite(void **state) {
  char many[400];
  double seconds;
  (void)state;
  memset(many, '9', sizeof many - 1);
  many[sizeof many - 1] = '\0';
  seconds = after(many);
  assert_true(seconds >= 1e9 && seconds < 1e12);
}

static void the_three_forms_of_an_HTTP_date_are_read(void **state) {
  (void)state;
  assert_after("Thu, 01 Jan 2026 00:00:00 GMT", 10);
  assert_after("Thursday, 01-Jan-26 00:00:00 GMT", 10);
  assert_after("Thu Jan  1 00:00:00 2026", 10);
  assert_after("  Thu, 01 Jan 2026 00:01:00 GMT", 70);
}

static void a_date_that_has_passed_is_now(void **state) {
  (void)state;
  assert_after("Wed, 31 Dec 2025 23:59:50 GMT", 0);
  assert_after("Wed, 31 Dec 2025 23:59:49 GMT", 0);
  assert_after("Thu, 01 Jan 1970 00:00:00 GMT", 0);
}

static void nonsense_is_no_time(void **state) {
  static const char *const nonsense[] = {"",
                                         " ",
                                         "soon",
                                         "-1",
                                         "-0",
                                         "+5",
                                         "1.5",
                                         "5s",
                                         "5 6",
                                         "0x10",
                                         "1e3",
                                         "1,2",
                                         "Thu",
                                         "Thursday",
                                         "Mon, ",
                                         "Sunday GMT",
                                         "NaN",
                                         "inf",
                                         "Tue, 99 Foo 2026 25:61:61 GMT",
                                         "5;",
                                         "\"5\"",
                                         "5\n6",
                                         "2026-01-01T00:00:00Z",
                                         "Jan 1 2026 00:00:00 GMT",
                                         "W",
                                         "now"};
  (void)state;
  for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++)
    assert_after(nonsense[i], -1);
}

static void a_long_value_is_no_date(void **state) {
  char text[4096];
  (void)state;
  memset(text, ' ', sizeof text);
  memcpy(text, "Thu, ", 5);
  strcpy(text + 4000, "01 Jan 2026 00:00:00 GMT");
  assert_after(text, -1);
}

/* ==== What may be sent ================================================ */

static bool value_passes(const char *s, size_t n) {
  cbc_error err = {.code = CBC_OK};
  cbc_code rc = cbc_header_check_value(s, n, &err);
  if (rc != CBC_OK) assert_int_equal(rc, CBC_EARG);
  return rc == CBC_OK;
}

static void a_value_has_no_control_characters(void **state) {
  (void)state;
  for (int c = 0; c < 256; c++) {
    char value[3] = {'a', (char)c, 'b'};
    assert_int_equal(value_passes(value, 3), c == '\t' || (c >= 0x20 && c != 0x7f));
  }
  assert_true(value_passes("", 0));
}

static void the_message_does_not_quote_the_value(void **state) {
  static const char key[] = "ApiKey SU-1:s3cret\r\nX: y";
  cbc_error err;
  (void)state;
  assert_int_equal(cbc_header_check_value(key, strlen(key), &err), CBC_EARG);
  assert_null(strstr(err.message, "s3cret"));
  assert_string_equal(err.message, "has a control character (0x0D) at byte 19");
}

static void a_name_is_a_token(void **state) {
  static const char marks[] = "!#$%&'*+-.^_`|~";
  cbc_error err;
  (void)state;
  for (int c = 0; c < 256; c++) {
    char name[3] = {'X', (char)c, 'Y'};
    bool token = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                 (c != 0 && strchr(marks, c) != NULL);
    assert_int_equal(cbc_header_check_name(name, 3, &err) == CBC_OK, token);
  }
  assert_int_equal(cbc_header_check_name("", 0, &err), CBC_EARG);
  assert_string_equal(err.message, "is empty");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(seconds_are_seconds),
                                     cmocka_unit_test(endless_seconds_stay_endless_and_finite),
                                     cmocka_unit_test(the_three_forms_of_an_HTTP_date_are_read),
                                     cmocka_unit_test(a_date_that_has_passed_is_now),
                                     cmocka_unit_test(nonsense_is_no_time),
                                     cmocka_unit_test(a_long_value_is_no_date),
                                     cmocka_unit_test(a_value_has_no_control_characters),
                                     cmocka_unit_test(the_message_does_not_quote_the_value),
                                     cmocka_unit_test(a_name_is_a_token)};
  return cmocka_run_group_tests_name("cbc_header", tests, NULL, NULL);
}
