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
      {"Bearer\ttoken", "token"},
      {"Bearer \t token", "token"},
      {"ApiKey SU-1: \tblanks", "blanks"},
      {"ApiKey SU-1:", "SU-1:"},
      {"Bearer", "Bearer"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_string_equal(cbc_secret_of(rows[i][0]), rows[i][1]);
}

static void an_account_is_named_without_the_secret(void **state) {
  static const char *const rows[][2] = {
      {KEY, "SU-000-000-000"},
      {"ApiKey SU-000-000-000:another", "SU-000-000-000"},
      {"SU-1:s3cret", "SU-1"},
      {"ApiKey SU-1: \tblanks", "SU-1"},
      {"ApiKey SU-1:with:colons", "SU-1"},
      /* FNV-1a has published values for these. */
      {"a", "#af63dc4c8601ec8c"},
      {"foobar", "#85944171f73967e8"},
  };
  static const char *const nameless[] = {
      "Bearer token", "token:", ":s3cret", "Basic Zm9vOmJhcg==",
      "ApiKey 0123456789012345678901234567890123456789012345678901234567890123:x"};
  char account[CBC_ACCOUNT_SIZE];
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    cbc_secret_account(rows[i][0], account);
    assert_string_equal(account, rows[i][1]);
  }
  for (size_t i = 0; i < sizeof nameless / sizeof *nameless; i++) {
    cbc_secret_account(nameless[i], account);
    assert_int_equal(account[0], '#');
    assert_int_equal(strlen(account), 17);
  }
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

static void it_is_masked_in_html(void **state) {
  (void)state;
  assert_masked(KEY, "&#115;3cret &#x73;3cre&#X74;", "*********** ****************");
  assert_masked(KEY, "&#115 3cret &#;s3cret&#", "&#115 3cret &#;******&#");
  assert_masked("ApiKey a&b<c>\"'", "a&amp;b&lt;c&gt;&quot;&apos;", "****************************");
  assert_masked("ApiKey a&b", "a&amp b a&b; a&AMP;b", "a&amp b ***; a&AMP;b");
}

static void it_is_masked_where_it_is_not_ascii(void **state) {
  (void)state;
  assert_masked("Bearer \xc3\xbc", "\xc3\xbc %C3%bc \\u00fc &#252; \\u00c3\\u00bc",
                "** ****** ****** ****** \\u00c3\\u00bc");
  assert_masked("Bearer \xe2\x82\xac", "\\u20ac \\u20ad &#x20AC;", "****** \\u20ad ********");
  assert_masked("Bearer \xf0\x9f\x98\x80", "&#x1F600; \xf0\x9f\x98\x80", "********* ****");
  assert_masked("Bearer \xfc", "\xfc %FC", "* ***");
}

/* By one on the way after another. */
static void it_is_masked_escaped_several_times(void **state) {
  (void)state;
  assert_masked("ApiKey a/b", "a%252fb a%25252Fb a%5C%2Fb", "******* ********* ********");
  assert_masked("ApiKey a/b", "a\\\\\\/b a\\u005c/b a\\u00252fb a&#92;/b",
                "****** ********* ********** ********");
  assert_masked("ApiKey a&b", "a&amp;amp;b a\\u0026amp;b a%26amp%3Bb",
                "*********** ************ a%26amp%3Bb");
  assert_masked("ApiKey %41b", "&#x25;&#x34;1b %2541b", "************** ******");
}

static void a_blank_in_it_may_be_written_for_a_form(void **state) {
  (void)state;
  assert_masked("ApiKey SU-1:a b", "a+b a%20b a b a-b", "*** ***** *** a-b");
  assert_masked("ApiKey SU-1:a+b", "a+b a b", "*** a b");
  assert_masked("ApiKey SU-1:a\tb", "a\\tb a\\u0009b a\tb", "**** ******** ***");
}

/* Looking for it takes time in proportion to the text, whatever is in it. */
static void long_rows_of_escapes_are_gone_through_once(void **state) {
  static const char *const rows[] = {"\\",      "%",     "%25", "&",   "&amp;", "amp;",
                                     "\\u005c", "u005c", "s",   "s\\", "&#"};
  size_t n = (size_t)1 << 22;
  char *text = test_malloc(n);
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    size_t length = strlen(rows[i]);
    for (size_t at = 0; at < n; at++)
      text[at] = rows[i][at % length];
    text[0] = i % 2 == 0 ? '&' : '\\';
    assert_false(cbc_secret_find("s3cret", text, n));
  }
  test_free(text);
}

/* Nothing is read behind the end. */
static void text_may_end_anywhere(void **state) {
  static const char text[] = "\\\\u00733cre%74&#115;3cret&am&#x73;\\";
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
                                     cmocka_unit_test(an_account_is_named_without_the_secret),
                                     cmocka_unit_test(it_is_masked_as_it_is),
                                     cmocka_unit_test(it_is_masked_escaped),
                                     cmocka_unit_test(it_is_masked_in_html),
                                     cmocka_unit_test(it_is_masked_where_it_is_not_ascii),
                                     cmocka_unit_test(it_is_masked_escaped_several_times),
                                     cmocka_unit_test(a_blank_in_it_may_be_written_for_a_form),
                                     cmocka_unit_test(long_rows_of_escapes_are_gone_through_once),
                                     cmocka_unit_test(text_may_end_anywhere)};
  return cmocka_run_group_tests_name("cbc_secret", tests, NULL, NULL);
}
