/*
** cbc_secret_test.c - the secret part of a key is found in whatever form a
** service may echo it.
*/
#include "testenv.h"

#include <string.h>

#include "cbc_secret.h"

#define KEY "ApiKey SU-000-000-000:s3cret"

static void the_secret_is_what_must_not_be_shown(void **state) {
  static const char *const rows[][2] = {
      {KEY, "s3cret"},
      {"SU-000-000-000:s3cret", "s3cret"},
      {"Bearer token", "token"},
      {"token", "token"},
      {"token:", "token:"},
      {"ApiKey SU-1:with:colons", "with:colons"},
      {"ApiKey  SU-1:two blanks", "two blanks"},
      {"Basic Zm9vOmJhcg==", "Zm9vOmJhcg=="},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_string_equal(cbc_secret_of(rows[i][0]), rows[i][1]);
}

static void assert_masked(const char *key, const char *text, const char *expected) {
  const char *secret = cbc_secret_of(key);
  char bytes[200];
  strcpy(bytes, text);
  assert_int_equal(cbc_secret_find(secret, bytes, strlen(bytes)), strcmp(text, expected) != 0);
  assert_int_equal(cbc_secret_mask(secret, bytes, strlen(bytes)), strcmp(text, expected) != 0);
  assert_string_equal(bytes, expected);
  assert_false(cbc_secret_find(secret, bytes, strlen(bytes)));
}

static void it_is_masked_as_it_is(void **state) {
  (void)state;
  assert_masked(KEY, "s3cret", "******");
  assert_masked(KEY, "<s3cret> s3cre s3crets3cret", "<******> s3cre ************");
  assert_masked(KEY, "ss3cret", "s******");
  assert_masked(KEY, "nothing", "nothing");
  assert_masked(KEY, "", "");
  assert_masked("token", "my token", "my *****");
  assert_masked("token:", "my token:", "my ******");
  assert_masked("aab", "aaab", "a***");
  assert_masked("Bearer aXb", "the aXb and axb", "the *** and axb");
}

static void it_is_masked_escaped(void **state) {
  (void)state;
  assert_masked(KEY, "\\u00733cret", "***********");
  assert_masked(KEY, "s3\\u0063RET s3\\u0063re\\u0074", "s3\\u0063RET ****************");
  assert_masked(KEY, "\\\\u00733cret", "************");
  assert_masked(KEY, "s%33cre%74", "**********");
  assert_masked(KEY, "s%33cre%7", "s%33cre%7");
  assert_masked("ApiKey a/b+c", "a\\/b+c a%2Fb%2bc a/b+c a\\\\/b+c",
                "****** ********* ***** *******");
  assert_masked("ApiKey a\"b", "a\\\"b", "****");
  assert_masked("ApiKey a\\b", "a\\\\b a\\b", "**** ***");
  assert_masked("ApiKey %41b", "Ab %41b", "** ****");
}

/* Nothing is read behind the end. */
static void text_may_end_anywhere(void **state) {
  static const char text[] = "\\\\u00733cre%74\\";
  (void)state;
  for (size_t n = 0; n < sizeof text; n++) {
    char *bytes = test_malloc(n + 1);
    memcpy(bytes, text, n);
    cbc_secret_find("s3cret", bytes, n);
    cbc_secret_mask("s3cret", bytes, n);
    test_free(bytes);
  }
  assert_false(cbc_secret_find("", "s3cret", 6));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_secret_is_what_must_not_be_shown),
                                     cmocka_unit_test(it_is_masked_as_it_is),
                                     cmocka_unit_test(it_is_masked_escaped),
                                     cmocka_unit_test(text_may_end_anywhere)};
  return cmocka_run_group_tests_name("cbc_secret", tests, NULL, NULL);
}
