/*
** cbc_url_test.c - endpoints, ids, paths and queries that come from outside.
*/
#include "testenv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cbc_url.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ==== Endpoints ======================================================= */

static cbc_code read_endpoint(const char *s, bool allow, cbc_endpoint *e, cbc_error *err) {
  cbc_error_clear(err);
  return cbc_url_endpoint(s, strlen(s), allow, e, err);
}

static void a_good_endpoint_is_read(void **state) {
  static const struct {
    const char *text;
    bool plain, loopback;
    size_t size;
  } rows[] = {{"https://api.connect.cloudblue.com/public/v1", false, false, 43},
              {"https://api.connect.cloudblue.com/public/v1///", false, false, 43},
              {"https://h", false, false, 9},
              {"https://h/", false, false, 9},
              {"HTTPS://H:8443/a%20b", false, false, 20},
              {"https://10.0.0.1:1", false, false, 18},
              {"https://[2001:db8::1]:65535/x", false, false, 29},
              {"https://[::ffff:127.0.0.1]", false, false, 26},
              {"http://localhost:8080", true, true, 21},
              {"HTTP://LocalHost", true, true, 16},
              {"http://127.0.0.1:8080/public/v1", true, true, 31},
              {"http://127.255.3.4", true, true, 18},
              {"http://[::1]:80/", true, true, 15},
              {"https://localhost", false, true, 17}};
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    cbc_endpoint e;
    cbc_error err;
    if (read_endpoint(rows[i].text, false, &e, &err) != CBC_OK)
      fail_msg("%s: %s", rows[i].text, err.message);
    assert_int_equal(e.plain, rows[i].plain);
    assert_int_equal(e.loopback, rows[i].loopback);
    assert_int_equal(e.size, rows[i].size);
  }
}

static void a_bad_endpoint_is_refused_with_its_reason(void **state) {
  static const char *const rows[][2] = {{"", "must begin with https://"},
                                        {"api.connect.cloudblue.com", "must begin with https://"},
                                        {"ftp://h", "must begin with https://"},
                                        {"https:/h", "must begin with https://"},
                                        {"//h", "must begin with https://"},
                                        {" https://h", "must begin with https://"},
                                        {"https://", "has no host"},
                                        {"https:///x", "has no host"},
                                        {"https://:80", "has no host"},
                                        {"https://?x", "has no host"},
                                        {"https://user:word@h", "has '@'"},
                                        {"https://h/a@b", "has '@'"},
                                        {"https://[::1", "has a broken IPv6 address"},
                                        {"https://[]", "has a broken IPv6 address"},
                                        {"https://[::1%25eth0]", "has a broken IPv6 address"},
                                        {"https://h:0", "has a port"},
                                        {"https://h:", "has a port"},
                                        {"https://h:65536", "has a port"},
                                        {"https://h:99999999999999999999", "has a port"},
                                        {"https://h:80x", "has 'x'"},
                                        {"https://h%2f", "has '%'"},
                                        {"https://h?x=1", "has '?'"},
                                        {"https://h#x", "has '#'"},
                                        {"https://h/?x=1", "has '?'"},
                                        {"https://h/#x", "has '#'"},
                                        {"https://h/a b", "has a space (0x20)"},
                                        {"https://h/a\r\nX: y", "has a control character (0x0D)"},
                                        {"https://h\n", "has a control character (0x0A)"},
                                        {"https://h/\x7f", "has a control character (0x7F)"},
                                        {"https://h/\xc3\xa9", "has a byte outside ASCII (0xC3)"},
                                        {"https://h\xc3\xa9/", "has a byte outside ASCII (0xC3)"},
                                        {"https://h/%2", "has '%'"},
                                        {"https://h/a/../b", "has a '.' or '..' segment"},
                                        {"https://h/%2E%2e/b", "has a '.' or '..' segment"}};
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    cbc_endpoint e;
    cbc_error err;
    if (read_endpoint(rows[i][0], true, &e, &err) != CBC_EARG ||
        strncmp(err.message, rows[i][1], strlen(rows[i][1])) != 0)
      fail_msg("%s: %s", rows[i][0], err.message);
  }
}

static void plain_http_stays_on_this_machine(void **state) {
  static const char *const others[] = {"http://h",
                                       "http://10.0.0.1",
                                       "http://127.0.0.1.evil.com",
                                       "http://127.0.0",
                                       "http://127.1",
                                       "http://127.0.0.256",
                                       "http://127.0.0.1.",
                                       "http://127.0.0.1.1",
                                       "http://0127.0.0.1",
                                       "http://2130706433",
                                       "http://[::ffff:7f00:1]",
                                       "http://localhost.evil.com",
                                       "http://localhostx",
                                       "http://[::2]",
                                       "http://127.0.0.01234",
                                       "http://127..0.1",
                                       "http://127.0.0.08",
                                       "http://127.0.0.010",
                                       "http://127.00.0.1",
                                       "http://0177.0.0.1",
                                       "http://0x7f.0.0.1",
                                       "http://localhost.",
                                       "http://127.0.0.",
                                       "http://127.0.0.1000000000000",
                                       "http://[::ffff:127.0.0.1]"};
  (void)state;
  for (size_t i = 0; i < COUNT(others); i++) {
    cbc_endpoint e;
    cbc_error err;
    if (read_endpoint(others[i], false, &e, &err) != CBC_EARG) fail_msg("%s passes", others[i]);
    assert_non_null(strstr(err.message, "is plain http to a host that is not this machine"));
    assert_int_equal(read_endpoint(others[i], true, &e, &err), CBC_OK);
    assert_true(e.plain && !e.loopback);
  }
}

static void a_password_in_the_endpoint_is_not_quoted(void **state) {
  cbc_endpoint e;
  cbc_error err;
  (void)state;
  assert_int_equal(read_endpoint("https://me:s3cret@h:80", false, &e, &err), CBC_EARG);
  assert_null(strstr(err.message, "s3cret"));
}

static void an_endpoint_with_a_NUL_is_refused(void **state) {
  static const char text[] = "https://h/a\0b";
  cbc_endpoint e;
  cbc_error err;
  (void)state;
  assert_int_equal(cbc_url_endpoint(text, sizeof text - 1, false, &e, &err), CBC_EARG);
}

/* ==== Ids ============================================================= */

static bool id_passes(const char *s, size_t n) {
  cbc_error err;
  cbc_code rc = cbc_url_check_id(s, n, &err);
  if (rc != CBC_OK) assert_int_equal(rc, CBC_EARG);
  return rc == CBC_OK;
}

static void an_id_is_visible_ASCII_without_slashes(void **state) {
  (void)state;
  for (int c = 0; c < 256; c++) {
    char id[3] = {'U', (char)c, 'R'};
    assert_int_equal(id_passes(id, 3), c > 0x20 && c < 0x7f && c != '/');
  }
}

static void an_id_has_a_length(void **state) {
  char id[CBC_ID_MAX + 1];
  (void)state;
  memset(id, 'x', sizeof id);
  assert_false(id_passes("", 0));
  assert_true(id_passes(id, 1));
  assert_true(id_passes(id, CBC_ID_MAX));
  assert_false(id_passes(id, CBC_ID_MAX + 1));
}

static void an_id_is_no_dot_segment(void **state) {
  static const char *const refused[] = {".", "..", "%2e", "%2E", ".%2e", "%2e.", "%2E%2e"};
  static const char *const allowed[] = {"...", ".a", "a.", "..a", "%2", "%2f", ".%2", "%2e%2e%2e"};
  (void)state;
  for (size_t i = 0; i < COUNT(refused); i++)
    assert_false(id_passes(refused[i], strlen(refused[i])));
  for (size_t i = 0; i < COUNT(allowed); i++)
    assert_true(id_passes(allowed[i], strlen(allowed[i])));
}

/* ==== Paths and queries =============================================== */

static bool path_passes(const char *s) {
  cbc_error err;
  return cbc_url_check_path(s, strlen(s), &err) == CBC_OK;
}

static bool query_passes(const char *s) {
  cbc_error err;
  return cbc_url_check_query(s, strlen(s), &err) == CBC_OK;
}

static void a_path_is_what_a_URL_may_have(void **state) {
  static const char *const good[] = {"/",
                                     "/a",
                                     "/a/b/",
                                     "//",
                                     "/a//b",
                                     "/a%20b",
                                     "/%2F",
                                     "/...",
                                     "/a.b",
                                     "/.a",
                                     "/-._~!$&'()*+,;=:@",
                                     "/%2e%2ea"};
  static const char *const bad[] = {
      "",    "a",    "a/b",   "/a b",    "/a?b", "/a#b",     "/\"",   "/<",      "/>",    "/\\",
      "/^",  "/`",   "/{",    "/|",      "/}",   "/[",       "/%",    "/%4",     "/%4g",  "/.",
      "/..", "/./a", "/a/..", "/a/../b", "/%2e", "/%2E%2e/", "/.%2e", "/a/%2e.", "/\x80", "/\x1f"};
  (void)state;
  for (size_t i = 0; i < COUNT(good); i++)
    if (!path_passes(good[i])) fail_msg("%s is refused", good[i]);
  for (size_t i = 0; i < COUNT(bad); i++)
    if (path_passes(bad[i])) fail_msg("%s passes", bad[i]);
}

static void a_path_with_a_NUL_is_refused(void **state) {
  cbc_error err;
  (void)state;
  assert_int_equal(cbc_url_check_path("/a\0b", 4, &err), CBC_EARG);
  assert_int_equal(cbc_url_check_query("a\0b", 3, &err), CBC_EARG);
}

static void a_query_is_what_a_URL_can_carry(void **state) {
  static const char *const good[] = {"",
                                     "a=b&c=d",
                                     "in(id,(a,b))",
                                     "a/b?c",
                                     "like(x,*y*)",
                                     "eq(a,%22b%22)",
                                     "a=..",
                                     "ordering(-x)",
                                     "a|b",
                                     "<",
                                     "[",
                                     "]",
                                     "{",
                                     "^",
                                     "`",
                                     "\\",
                                     "\xe2\x82\xac",
                                     "eq(a,\"b\")",
                                     "a='&&'&b",
                                     "a=\"&&'\"&b=1",
                                     "a=%22&%22&b",
                                     "it's&&b",
                                     "a=%27&&",
                                     "a='&%27"};
  static const char *const bad[] = {
      " ",   "a b", "a#b", "%",      "%2",      "%zz",          "\r\n", "\x7f",
      "?",   "?a",  "??a", "&",      "&a",      "a&",           "a&&b", "a&b&",
      "a&&", "&&",  "''&", "'a'&&b", "%22%22&", "\"'\"&&\"'\"", "%"};
  (void)state;
  for (size_t i = 0; i < COUNT(good); i++)
    if (!query_passes(good[i])) fail_msg("%s is refused", good[i]);
  for (size_t i = 0; i < COUNT(bad); i++)
    if (query_passes(bad[i])) fail_msg("%s passes", bad[i]);
}

static void a_query_is_encoded_where_it_must_be(void **state) {
  static const char *const pairs[][2] = {{"", ""},
                                         {"a=b&c=(d,e);f!g$h*i+j", "a=b&c=(d,e);f!g$h*i+j"},
                                         {"a=%22b%7c%22", "a=%22b%7c%22"},
                                         {"-._~:@/?'", "-._~:@/?'"},
                                         {"(a|b)", "(a%7Cb)"},
                                         {"\"<>[]{}\\^`", "%22%3C%3E%5B%5D%7B%7D%5C%5E%60"},
                                         {"\xe2\x82\xac", "%E2%82%AC"}};
  char to[64];
  (void)state;
  for (size_t i = 0; i < COUNT(pairs); i++) {
    size_t n = cbc_url_encode_query(pairs[i][0], strlen(pairs[i][0]), to);
    assert_int_equal(n, strlen(pairs[i][1]));
    assert_memory_equal(to, pairs[i][1], n);
  }
}

static void paths_and_queries_have_a_length(void **state) {
  char *text = malloc(CBC_PATH_MAX + 1);
  cbc_endpoint e;
  cbc_error err;
  (void)state;
  memset(text, 'x', CBC_PATH_MAX + 1);
  text[0] = '/';
  assert_int_equal(cbc_url_check_path(text, CBC_PATH_MAX, &err), CBC_OK);
  assert_int_equal(cbc_url_check_path(text, CBC_PATH_MAX + 1, &err), CBC_EARG);
  assert_int_equal(cbc_url_check_query(text, CBC_PATH_MAX, &err), CBC_OK);
  assert_int_equal(cbc_url_check_query(text, CBC_PATH_MAX + 1, &err), CBC_EARG);
  /* As long as that once it is encoded. */
  text[0] = '|';
  assert_int_equal(cbc_url_check_query(text, CBC_PATH_MAX - 2, &err), CBC_OK);
  assert_int_equal(cbc_url_check_query(text, CBC_PATH_MAX - 1, &err), CBC_EARG);
  memcpy(text, "https://h/", 10);
  assert_int_equal(cbc_url_endpoint(text, CBC_PATH_MAX + 1, false, &e, &err), CBC_EARG);
  assert_int_equal(cbc_url_endpoint(text, CBC_PATH_MAX, false, &e, &err), CBC_OK);
  free(text);
}

/* ==== Building ======================================================== */

static void all_but_unreserved_bytes_are_encoded(void **state) {
  static const char unreserved[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  testenv t;
  (void)state;
  testenv_init(&t);
  for (int c = 0; c < 256; c++) {
    char byte = (char)c, expected[4] = {byte};
    cbc_buffer b;
    cbc_buffer_init(&b, &t.env);
    if (c == 0 || strchr(unreserved, c) == NULL)
      snprintf(expected, sizeof expected, "%%%02X", (unsigned)c);
    assert_true(cbc_url_add_encoded(&b, &byte, 1));
    assert_string_equal(cbc_buffer_string(&b), expected);
    cbc_buffer_free(&b);
  }
  testenv_check(&t);
}

static void ids_take_the_holes_of_a_route(void **state) {
  const cbc_segment ids[] = {{"UR-1", 4}, {"a b/c", 5}};
  testenv t;
  cbc_buffer b;
  (void)state;
  testenv_init(&t);
  cbc_buffer_init(&b, &t.env);
  assert_true(cbc_url_add_route(&b, "/close-records", NULL));
  assert_true(cbc_url_add_route(&b, "/{id}/close", ids));
  assert_true(cbc_url_add_route(&b, "/{id}/{id}", ids));
  assert_string_equal(cbc_buffer_string(&b), "/close-records/UR-1/close/UR-1/a%20b%2Fc");
  cbc_buffer_free(&b);
  testenv_check(&t);
}

static void memory_that_ends_is_told(void **state) {
  const cbc_segment id = {"a b", 3};
  testenv t;
  cbc_buffer b;
  (void)state;
  testenv_init(&t);
  cbc_buffer_init(&b, &t.env);
  testenv_fail(&t, 1, false);
  assert_false(cbc_url_add_route(&b, "/{id}/close", &id));
  assert_null(cbc_buffer_string(&b));
  cbc_buffer_free(&b);
  testenv_check(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_good_endpoint_is_read),
                                     cmocka_unit_test(a_bad_endpoint_is_refused_with_its_reason),
                                     cmocka_unit_test(plain_http_stays_on_this_machine),
                                     cmocka_unit_test(a_password_in_the_endpoint_is_not_quoted),
                                     cmocka_unit_test(an_endpoint_with_a_NUL_is_refused),
                                     cmocka_unit_test(an_id_is_visible_ASCII_without_slashes),
                                     cmocka_unit_test(an_id_has_a_length),
                                     cmocka_unit_test(an_id_is_no_dot_segment),
                                     cmocka_unit_test(a_path_is_what_a_URL_may_have),
                                     cmocka_unit_test(a_path_with_a_NUL_is_refused),
                                     cmocka_unit_test(a_query_is_what_a_URL_can_carry),
                                     cmocka_unit_test(a_query_is_encoded_where_it_must_be),
                                     cmocka_unit_test(paths_and_queries_have_a_length),
                                     cmocka_unit_test(all_but_unreserved_bytes_are_encoded),
                                     cmocka_unit_test(ids_take_the_holes_of_a_route),
                                     cmocka_unit_test(memory_that_ends_is_told)};
  return cmocka_run_group_tests_name("cbc_url", tests, NULL, NULL);
}
