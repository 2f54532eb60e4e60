/*
** cbc_client_test.c - a client's beginning and end, and what becomes of its
** calls. How a call goes is in cbc_call_test.c.
*/
#include "testenv.h"

#include <string.h>

#include "cbc_call.h"

#define ENDPOINT "http://127.0.0.1:9/public/v1"
#define KEY "ApiKey SU-000-000-000:s3cret"

static const cbc_client_options usual = {.endpoint = ENDPOINT "///",
                                         .endpoint_size = sizeof ENDPOINT - 1,
                                         .policy = {.timeout = 6, .deadline = 30, .retries = 2},
                                         .transport = {.origin = ENDPOINT,
                                                       .origin_size = 18,
                                                       .key = KEY,
                                                       .user_agent = "test/1",
                                                       .connect_timeout = 1,
                                                       .max_response = 1000,
                                                       .max_connections = 4,
                                                       .plain = true}};

static cbc_client *begin(testenv *t) {
  cbc_error err;
  cbc_client *c;
  testenv_init(t);
  t->secret = "s3cret";
  c = cbc_client_new(&t->env, &usual, &err);
  assert_non_null(c);
  return c;
}

static void a_client_knows_what_it_was_given(void **state) {
  testenv t;
  cbc_client *c = begin(&t);
  char text[] = "key s3cret";
  (void)state;
  assert_string_equal(cbc_client_endpoint(c), ENDPOINT);
  assert_ptr_equal(cbc_client_env(c), &t.env);
  assert_int_equal(cbc_client_policy(c)->retries, 2);
  assert_false(cbc_client_closed(c));
  cbc_client_mask(c, text, strlen(text));
  assert_string_equal(text, "key ******");
  cbc_client_free(c);
  cbc_client_free(NULL);
  testenv_check(&t);
}

static void memory_that_ends_at_any_allocation_is_told(void **state) {
  testenv t;
  (void)state;
  testenv_init(&t);
  t.secret = "s3cret";
  for (size_t n = 1;; n++) {
    cbc_error err;
    cbc_client *c;
    testenv_fail(&t, n, n % 2 == 0);
    t.failures = 0;
    c = cbc_client_new(&t.env, &usual, &err);
    if (t.failures == 0) {
      assert_true(n > 4);
      cbc_client_free(c);
      break;
    }
    assert_null(c);
    assert_int_equal(err.code, CBC_ENOMEM);
    testenv_check(&t);
  }
  testenv_check(&t);
}

static void a_closed_client_takes_no_calls(void **state) {
  testenv t;
  cbc_error err;
  cbc_client *c = begin(&t);
  char text[] = "key s3cret";
  (void)state;
  cbc_client_close(c);
  cbc_client_close(c);
  assert_true(cbc_client_closed(c));
  assert_null(cbc_call_new(c, &err));
  assert_int_equal(err.code, CBC_ECLOSED);
  assert_string_equal(cbc_client_endpoint(c), ENDPOINT);
  cbc_client_mask(c, text, strlen(text));
  cbc_client_free(c);
  testenv_check(&t);
}

static void closing_ends_every_call_under_way(void **state) {
  testenv t;
  cbc_error err;
  cbc_client *c = begin(&t);
  cbc_call *calls[3];
  (void)state;
  for (int i = 0; i < 3; i++) {
    calls[i] = cbc_call_new(c, &err);
    assert_non_null(calls[i]);
    cbc_call_start(calls[i], NULL, CBC_REPEAT_CONFIRMED);
    if (i > 0) assert_int_equal(cbc_call_send(calls[i], &err), CBC_OK);
  }
  cbc_client_close(c);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(cbc_call_next(calls[i]), CBC_DO_FINISH);
    assert_int_equal(calls[i]->exchange.end, CBC_END_CLOSED);
    assert_int_equal(calls[i]->exchange.outcome, CBC_UNSENT);
    assert_int_equal(cbc_call_send(calls[i], &err), CBC_OK);
    assert_int_equal(cbc_call_wait(calls[i], &err), CBC_OK);
  }
  /* In another order than they came. */
  cbc_call_free(calls[1]);
  cbc_call_free(calls[0]);
  cbc_call_free(calls[2]);
  cbc_client_free(c);
  testenv_check(&t);
}

static void calls_come_and_go_in_any_order(void **state) {
  testenv t;
  cbc_error err;
  cbc_client *c = begin(&t);
  cbc_call *calls[10] = {NULL};
  uint32_t dice = 7;
  (void)state;
  for (int i = 0; i < 1000; i++) {
    cbc_call **call = &calls[testenv_below(&dice, 10)];
    if (*call == NULL) {
      *call = cbc_call_new(c, &err);
      assert_non_null(*call);
      assert_string_equal(cbc_buffer_string(&(*call)->request.url), ENDPOINT);
      assert_int_equal(cbc_call_next(*call), CBC_DO_FINISH);
    } else {
      cbc_call_free(*call);
      *call = NULL;
    }
  }
  for (int i = 0; i < 10; i++)
    cbc_call_free(calls[i]);
  cbc_client_free(c);
  testenv_check(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_client_knows_what_it_was_given),
                                     cmocka_unit_test(memory_that_ends_at_any_allocation_is_told),
                                     cmocka_unit_test(a_closed_client_takes_no_calls),
                                     cmocka_unit_test(closing_ends_every_call_under_way),
                                     cmocka_unit_test(calls_come_and_go_in_any_order)};
  return cmocka_run_group_tests_name("cbc_client", tests, NULL, NULL);
}
