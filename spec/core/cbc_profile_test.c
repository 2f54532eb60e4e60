/*
** cbc_profile_test.c - what all transfers of a client share. What libcurl does
** with its options is in cbc_transfer_test.c, security_spec.lua and
** transport_spec.lua, as a server sees it.
*/
#include "testenv.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cbc_profile.h"

#define KEY "ApiKey SU-000-000-000:s3cret"

static const cbc_field headers[] = {{"X-One", "1"}, {"X-Empty", ""}};

static const cbc_options usual = {.origin = "https://host:8443/public/v1",
                                  .origin_size = 17,
                                  .key = KEY,
                                  .user_agent = "test/1",
                                  .headers = headers,
                                  .header_count = 2,
                                  .connect_timeout = 2.5,
                                  .max_response = 1000,
                                  .max_connections = 4};

static void begin(testenv *t, cbc_profile *p, const cbc_options *options) {
  cbc_error err;
  testenv_init(t);
  t->secret = "s3cret";
  assert_int_equal(cbc_profile_init(p, &t->env, options, &err), CBC_OK);
}

static void end(testenv *t, cbc_profile *p) {
  cbc_profile_free(p);
  testenv_check(t);
}

static void it_keeps_the_limits_and_where_a_path_begins(void **state) {
  testenv t;
  cbc_profile p;
  (void)state;
  begin(&t, &p, &usual);
  assert_int_equal(p.origin, 17);
  assert_true(testenv_same(p.connect_timeout, 2.5));
  assert_int_equal(p.max_response, 1000);
  assert_non_null(p.model);
  end(&t, &p);
}

/* The origin is not terminated: a path stands behind it. */
static void every_request_goes_to_the_origin(void **state) {
  testenv t;
  cbc_profile p;
  char *url = NULL;
  (void)state;
  begin(&t, &p, &usual);
  assert_int_equal(curl_url_get(p.url, CURLUPART_URL, &url, 0), CURLUE_OK);
  assert_string_equal(url, "https://host:8443/");
  curl_free(url);
  end(&t, &p);
}

static void the_headers_stand_behind_a_Content_Type_or_behind_none(void **state) {
  static const char *const lines[] = {"User-Agent: test/1", ("Authorization: " KEY), "X-One: 1",
                                      "X-Empty;"};
  testenv t;
  cbc_profile p;
  const struct curl_slist *line;
  (void)state;
  begin(&t, &p, &usual);
  assert_string_equal(p.typed[true]->data, "Content-Type: application/json");
  assert_string_equal(p.typed[false]->data, "Content-Type:");
  assert_ptr_equal(p.typed[true]->next, p.coded);
  assert_ptr_equal(p.typed[false]->next, p.coded);
  assert_string_equal(p.coded->data, "Accept-Encoding: gzip");
  assert_ptr_equal(p.coded->next, p.headers);
  line = p.headers;
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++, line = line->next) {
    assert_non_null(line);
    assert_string_equal(line->data, lines[i]);
  }
  assert_null(line);
  end(&t, &p);
}

static void TLS_stands_before_the_sockets_of_https_and_of_a_proxy_by_https(void **state) {
  static const struct {
    bool plain;
    const char *proxy;
    bool layered;
  } cases[] = {{false, NULL, true},         {false, "http://p:1", true},
               {true, NULL, false},         {true, "http://p:1", false},
               {true, "p:1", false},        {true, "https://p:1", true},
               {true, "HTTPS://p:1", true}, {true, "httpsp:1", false}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    testenv t;
    cbc_profile p;
    cbc_options o = usual;
    o.plain = cases[i].plain;
    o.proxy = cases[i].proxy;
    begin(&t, &p, &o);
    assert_int_equal(p.layered, cases[i].layered);
    end(&t, &p);
  }
}

/* libcurl would quote it in an error of each call, and its password with it. */
static void a_proxy_that_is_no_URL_is_an_error_of_the_caller(void **state) {
  int input = fcntl(STDIN_FILENO, F_GETFD);
  cbc_options o = usual;
  testenv t;
  cbc_profile p;
  cbc_error err;
  (void)state;
  o.proxy = "http://user:pass word@host";
  testenv_init(&t);
  assert_int_equal(cbc_profile_init(&p, &t.env, &o, &err), CBC_EARG);
  assert_string_equal(err.message, "option 'proxy' is no URL that libcurl takes");
  end(&t, &p);
  /* What was not opened is not closed: 0 is a descriptor. */
  assert_int_equal(fcntl(STDIN_FILENO, F_GETFD), input);
}

static void an_origin_that_libcurl_refuses_is_an_endpoint_of_no_use(void **state) {
  cbc_options o = usual;
  testenv t;
  cbc_profile p;
  cbc_error err;
  (void)state;
  o.origin = "https://[1.2.3.4]";
  o.origin_size = strlen(o.origin);
  testenv_init(&t);
  assert_int_equal(cbc_profile_init(&p, &t.env, &o, &err), CBC_EURL);
  end(&t, &p);
}

/* libcurl takes strings of at most 8,000,000 bytes. */
static void an_option_that_libcurl_refuses_is_an_error_of_the_caller(void **state) {
  static const size_t size = 8000001;
  char *text = malloc(size + 1);
  cbc_options o = usual;
  testenv t;
  cbc_profile p;
  cbc_error err;
  (void)state;
  assert_non_null(text);
  memset(text, 'x', size);
  text[size] = '\0';
  o.ca_file = text;
  testenv_init(&t);
  t.secret = "s3cret";
  assert_int_equal(cbc_profile_init(&p, &t.env, &o, &err), CBC_EARG);
  assert_non_null(strstr(err.message, "an option was refused by libcurl: "));
  end(&t, &p);
  free(text);
}

static void out_of_memory_anywhere_leaves_what_can_be_freed(void **state) {
  testenv t;
  size_t n = 0;
  (void)state;
  testenv_init(&t);
  t.secret = "s3cret";
  do {
    cbc_profile p;
    cbc_error err;
    cbc_code rc;
    n++;
    testenv_fail(&t, n, n % 2 == 0);
    t.failures = 0;
    rc = cbc_profile_init(&p, &t.env, &usual, &err);
    assert_int_equal(rc, t.failures > 0 ? CBC_ENOMEM : CBC_OK);
    testenv_fail(&t, 0, false);
    end(&t, &p);
  } while (t.failures > 0);
  assert_true(n > 5);
}

static void one_connection_carries_several_calls_only_where_HTTP_2_is_offered(void **state) {
  cbc_options o = usual;
  testenv t;
  cbc_profile p;
  (void)state;
  for (int i = 0; i < 4; i++) {
    o.http2 = i & 1;
    o.plain = i & 2;
    begin(&t, &p, &o);
    assert_int_equal(p.http2, i == 1);
    assert_int_equal(p.sharing, i == 1);
    p.mixed = true;
    cbc_profile_end_sharing(&p);
    assert_false(p.sharing || p.mixed);
    assert_int_equal(p.http2, i == 1);
    end(&t, &p);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_keeps_the_limits_and_where_a_path_begins),
      cmocka_unit_test(every_request_goes_to_the_origin),
      cmocka_unit_test(the_headers_stand_behind_a_Content_Type_or_behind_none),
      cmocka_unit_test(TLS_stands_before_the_sockets_of_https_and_of_a_proxy_by_https),
      cmocka_unit_test(one_connection_carries_several_calls_only_where_HTTP_2_is_offered),
      cmocka_unit_test(a_proxy_that_is_no_URL_is_an_error_of_the_caller),
      cmocka_unit_test(an_origin_that_libcurl_refuses_is_an_endpoint_of_no_use),
      cmocka_unit_test(an_option_that_libcurl_refuses_is_an_error_of_the_caller),
      cmocka_unit_test(out_of_memory_anywhere_leaves_what_can_be_freed)};
  return cmocka_run_group_tests_name("cbc_profile", tests, NULL, NULL);
}
