/*
** cbc_request_test.c - what is to be sent, described and used again.
*/
#include "testenv.h"

#include <string.h>

#include "cbc_request.h"

static void a_new_request_is_an_empty_GET(void **state) {
  testenv t;
  cbc_request r;
  (void)state;
  testenv_init(&t);
  cbc_request_init(&r, &t.env);
  assert_string_equal(r.method, "GET");
  assert_string_equal(cbc_buffer_string(&r.url), "");
  assert_int_equal(r.body, CBC_BODY_NONE);
  assert_false(r.stream);
  cbc_request_free(&r);
  testenv_check(&t);
}

static void a_reset_request_is_as_new_and_keeps_its_memory(void **state) {
  testenv t;
  cbc_request r;
  (void)state;
  testenv_init(&t);
  cbc_request_init(&r, &t.env);
  r.method = "POST";
  r.body = CBC_BODY_JSON;
  r.json = "{}";
  r.json_size = 2;
  r.stream = true;
  r.connect_timeout = 1;
  r.header_count = r.part_count = 1;
  cbc_buffer_adds(&r.url, "https://h/x");
  cbc_request_reset(&r);
  assert_string_equal(r.method, "GET");
  assert_int_equal(r.body, CBC_BODY_NONE);
  assert_true(r.json == NULL && r.json_size == 0 && !r.stream && r.connect_timeout == 0);
  assert_true(r.header_count == 0 && r.part_count == 0);
  assert_int_equal(r.url.size, 0);
  assert_int_equal(t.blocks, 1);
  cbc_request_free(&r);
  testenv_check(&t);
}

static void the_memory_of_a_huge_URL_is_not_kept(void **state) {
  testenv t;
  cbc_request r;
  char *text = test_malloc(60000);
  (void)state;
  testenv_init(&t);
  cbc_request_init(&r, &t.env);
  memset(text, 'x', 60000);
  cbc_buffer_add(&r.url, text, 60000);
  cbc_request_reset(&r);
  assert_int_equal(t.blocks, 0);
  cbc_request_free(&r);
  test_free(text);
  testenv_check(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_request_is_an_empty_GET),
      cmocka_unit_test(a_reset_request_is_as_new_and_keeps_its_memory),
      cmocka_unit_test(the_memory_of_a_huge_URL_is_not_kept)};
  return cmocka_run_group_tests_name("cbc_request", tests, NULL, NULL);
}
