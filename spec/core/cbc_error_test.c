/*
** cbc_error_test.c - a code and a message.
*/
#include "testenv.h"

#include <string.h>

#include "cbc_error.h"

static void code_and_message_are_kept(void **state) {
  cbc_error err;
  (void)state;
  assert_int_equal(cbc_error_set(&err, CBC_EFILE, "%s at %d", "broken", 7), CBC_EFILE);
  assert_int_equal(err.code, CBC_EFILE);
  assert_string_equal(err.message, "broken at 7");
}

static void a_long_message_is_cut(void **state) {
  char text[2 * CBC_MESSAGE_SIZE];
  cbc_error err;
  (void)state;
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  cbc_error_set(&err, CBC_EARG, "%s", text);
  assert_int_equal(strlen(err.message), CBC_MESSAGE_SIZE - 1);
}

static void control_characters_are_replaced(void **state) {
  cbc_error err;
  (void)state;
  cbc_error_set(&err, CBC_ETRANSPORT, "a\r\nb\x1b[31m\x7f\t\xc3\xa9");
  assert_string_equal(err.message, "a??b?[31m??\xc3\xa9");
}

static void lack_of_memory_has_its_words(void **state) {
  cbc_error err;
  (void)state;
  assert_int_equal(cbc_error_nomem(&err), CBC_ENOMEM);
  assert_int_equal(err.code, CBC_ENOMEM);
  assert_string_equal(err.message, "not enough memory");
}

static void a_cleared_error_is_none(void **state) {
  cbc_error err;
  (void)state;
  cbc_error_nomem(&err);
  cbc_error_clear(&err);
  assert_int_equal(err.code, CBC_OK);
  assert_string_equal(err.message, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(code_and_message_are_kept), cmocka_unit_test(a_long_message_is_cut),
      cmocka_unit_test(control_characters_are_replaced),
      cmocka_unit_test(lack_of_memory_has_its_words), cmocka_unit_test(a_cleared_error_is_none)};
  return cmocka_run_group_tests_name("cbc_error", tests, NULL, NULL);
}
