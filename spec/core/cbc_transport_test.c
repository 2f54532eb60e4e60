/*
** cbc_transport_test.c - a transport's beginning, its waiting and its end. What
** goes over the wire is in cbc_transfer_test.c.
*/
#include "scene.h"

#include <errno.h>
#include <string.h>

#define KEY "ApiKey SU-000-000-000:s3cret"

static const cbc_field headers[] = {{"X-One", "1"}, {"X-None", ""}};

static const cbc_options usual = {.key = KEY,
                                  .user_agent = "test/1",
                                  .headers = headers,
                                  .header_count = 2,
                                  .connect_timeout = 5,
                                  .max_response = 1000,
                                  .max_connections = 4,
                                  .origin = "http://127.0.0.1:9",
                                  .origin_size = 18,
                                  .plain = true};

static void begins_and_ends_without_a_trace(void **state) {
  testenv t;
  cbc_error err;
  cbc_transport *transport;
  (void)state;
  testenv_init(&t);
  t.secret = "s3cret";
  transport = cbc_transport_new(&t.env, &usual, &err);
  assert_non_null(transport);
  cbc_transport_free(transport);
  cbc_transport_free(NULL);
  testenv_check(&t);
}

static void every_option_is_taken(void **state) {
  testenv t;
  cbc_error err;
  cbc_transport *transport;
  cbc_options all = usual;
  (void)state;
  all.plain = false;
  all.proxy = "http://127.0.0.1:9";
  all.ca_file = "/nowhere/ca.pem";
  all.ca_path = "/nowhere";
  all.client_cert = "/nowhere/cert.pem";
  all.client_key = "/nowhere/key.pem";
  testenv_init(&t);
  transport = cbc_transport_new(&t.env, &all, &err);
  assert_non_null(transport);
  cbc_transport_free(transport);
  testenv_check(&t);
}

static void memory_that_ends_at_any_allocation_is_told(void **state) {
  testenv t;
  (void)state;
  testenv_init(&t);
  t.secret = "s3cret";
  for (size_t n = 1;; n++) {
    cbc_error err;
    cbc_transport *transport;
    testenv_fail(&t, n, n % 2 == 0);
    t.failures = 0;
    transport = cbc_transport_new(&t.env, &usual, &err);
    if (t.failures == 0) {
      assert_true(n > 5);
      cbc_transport_free(transport);
      break;
    }
    assert_null(transport);
    assert_int_equal(err.code, CBC_ENOMEM);
    testenv_check(&t);
  }
  testenv_check(&t);
}

static void an_option_that_libcurl_refuses_is_told(void **state) {
  size_t size = 9000000; /* CURL_MAX_INPUT_LENGTH is less */
  char *huge = test_malloc(size);
  testenv t;
  cbc_error err;
  cbc_options o = usual;
  (void)state;
  memset(huge, 'x', size - 1);
  huge[size - 1] = '\0';
  o.ca_file = huge;
  testenv_init(&t);
  assert_null(cbc_transport_new(&t.env, &o, &err));
  assert_int_equal(err.code, CBC_EARG);
  test_free(huge);
  testenv_check(&t);
}

/* ==== libcurl's state ================================================= */

/* In the place of libcurl's own. */
void curl_global_cleanup(void) {
  fail_msg("libcurl's global state was given up");
}

static void libcurl_outlives_the_last_transport(void **state) {
  testenv t;
  cbc_error err;
  (void)state;
  testenv_init(&t);
  for (int i = 0; i < 3; i++)
    cbc_transport_free(cbc_transport_new(&t.env, &usual, &err));
  testenv_check(&t);
}

/* ==== Sockets ========================================================= */

/* Begins two transfers, and finds no memory for a socket of the other one. */
static cbc_transfer *begin_two(scene *s, bool sharing) {
  cbc_transfer *other;
  scene_describe(s, "GET", "/");
  other = cbc_transport_acquire(s->transport, &s->err);
  scene_start(s, PATIENCE, true);
  assert_int_equal(
      cbc_transfer_start(other, &s->r, s->t.env.now(&s->t), PATIENCE, true, NULL, &s->err), CBC_OK);
  other->profile->sharing = sharing;
  testenv_fail(&s->t, 1, true);
  for (int fd = 0; fd < 100; fd++)
    cbc_multi_watch(other->easy, fd + 1000, CURL_POLL_IN, &other->profile->multi, NULL);
  testenv_fail(&s->t, 0, false);
  assert_int_equal(cbc_transport_wait(s->transport, 1, &s->err), CBC_OK);
  other->profile->sharing = false;
  assert_true(cbc_transfer_done(other));
  assert_int_equal(cbc_transfer_reply(other)->error.code, CBC_ENOMEM);
  return other;
}

static const loopback_step fine = {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", LOOPBACK_KEEP};

static void a_socket_without_memory_ends_its_transfer_alone(void **state) {
  cbc_transfer *other;
  scene s;
  (void)state;
  scene_open(&s, &fine, 1);
  other = begin_two(&s, false);
  scene_wait(&s, cbc_transfer_done);
  assert_int_equal(cbc_transfer_reply(s.x)->status, 200);
  cbc_transport_release(other);
  assert_int_equal(scene_perform(&s)->status, 200);
  scene_close(&s);
}

/* Which ones those are, libcurl does not say. */
static void a_socket_without_memory_ends_all_that_may_share_it(void **state) {
  cbc_transfer *other;
  scene s;
  (void)state;
  scene_open(&s, &fine, 1);
  other = begin_two(&s, true);
  assert_true(cbc_transfer_done(s.x));
  assert_int_equal(cbc_transfer_reply(s.x)->error.code, CBC_ENOMEM);
  cbc_transport_release(other);
  scene_close(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(begins_and_ends_without_a_trace),
      cmocka_unit_test(every_option_is_taken),
      cmocka_unit_test(memory_that_ends_at_any_allocation_is_told),
      cmocka_unit_test(an_option_that_libcurl_refuses_is_told),
      cmocka_unit_test(libcurl_outlives_the_last_transport),
      cmocka_unit_test(a_socket_without_memory_ends_its_transfer_alone),
      cmocka_unit_test(a_socket_without_memory_ends_all_that_may_share_it)};
  return cmocka_run_group_tests_name("cbc_transport", tests, NULL, NULL);
}
