/*
** cbc_buffer_test.c - a growing run of bytes.
*/
#include "testenv.h"

#include <string.h>

#include "cbc_buffer.h"

static void an_empty_buffer_takes_no_memory(void **state) {
  testenv t;
  cbc_buffer b;
  (void)state;
  testenv_init(&t);
  cbc_buffer_init(&b, &t.env);
  assert_true(cbc_buffer_add(&b, NULL, 0));
  cbc_buffer_drop(&b, 0);
  assert_int_equal(t.allocations, 0);
  cbc_buffer_free(&b);
  testenv_check(&t);
}

static void bytes_are_kept_in_order(void **state) {
  testenv t;
  cbc_buffer b;
  (void)state;
  testenv_init(&t);
  cbc_buffer_init(&b, &t.env);
  for (int i = 0; i < 10000; i++) {
    char bytes[3] = {(char)i, (char)(i >> 8), '\0'};
    assert_true(cbc_buffer_add(&b, bytes, 3));
  }
  assert_int_equal(b.size, 30000);
  for (int i = 0; i < 10000; i++)
    assert_true(b.data[3 * i] == (char)i && b.data[3 * i + 1] == (char)(i >> 8));
  /* Doubling: not an allocation an append. */
  assert_in_range(t.allocations, 5, 10);
  cbc_buffer_free(&b);
  testenv_check(&t);
}

static void a_string_is_terminated_and_goes_on(void **state) {
  testenv t;
  cbc_buffer b;
  (void)state;
  testenv_init(&t);
  cbc_buffer_init(&b, &t.env);
  assert_string_equal(cbc_buffer_string(&b), "");
  assert_true(cbc_buffer_adds(&b, "abc"));
  assert_string_equal(cbc_buffer_string(&b), "abc");
  assert_int_equal(b.size, 3);
  assert_true(cbc_buffer_adds(&b, "def"));
  assert_string_equal(cbc_buffer_string(&b), "abcdef");
  cbc_buffer_free(&b);
  testenv_check(&t);
}

static void the_terminator_gets_room_of_its_own(void **state) {
  char full[256];
  testenv t;
  cbc_buffer b;
  (void)state;
  memset(full, 'x', sizeof full);
  testenv_init(&t);
  cbc_buffer_init(&b, &t.env);
  assert_true(cbc_buffer_add(&b, full, sizeof full));
  assert_int_equal(strlen(cbc_buffer_string(&b)), sizeof full);
  cbc_buffer_free(&b);
  testenv_check(&t);
}

static void bytes_are_dropped_from_the_front(void **state) {
  testenv t;
  cbc_buffer b;
  (void)state;
  testenv_init(&t);
  cbc_buffer_init(&b, &t.env);
  cbc_buffer_adds(&b, "abcdef");
  cbc_buffer_drop(&b, 2);
  assert_string_equal(cbc_buffer_string(&b), "cdef");
  cbc_buffer_drop(&b, 4);
  assert_int_equal(b.size, 0);
  cbc_buffer_free(&b);
  testenv_check(&t);
}

static void memory_is_kept_up_to_a_size(void **state) {
  testenv t;
  cbc_buffer b;
  (void)state;
  testenv_init(&t);
  cbc_buffer_init(&b, &t.env);
  cbc_buffer_adds(&b, "abc");
  cbc_buffer_reset(&b, 256);
  assert_int_equal(b.size, 0);
  assert_int_equal(b.capacity, 256);
  cbc_buffer_adds(&b, "abc");
  cbc_buffer_reset(&b, 255);
  assert_int_equal(b.capacity, 0);
  testenv_check(&t);
}

static void a_failed_append_is_remembered(void **state) {
  testenv t;
  cbc_buffer b;
  (void)state;
  testenv_init(&t);
  cbc_buffer_init(&b, &t.env);
  cbc_buffer_adds(&b, "abc");
  testenv_fail(&t, 1, false);
  assert_false(cbc_buffer_add(&b, memset((char[300]){0}, 'x', 300), 300));
  assert_true(b.failed);
  assert_memory_equal(b.data, "abc", 3);
  /* Memory is back, and still there is a hole in the bytes. */
  assert_false(cbc_buffer_adds(&b, "d"));
  assert_false(cbc_buffer_add(&b, "", 0));
  assert_null(cbc_buffer_string(&b));
  cbc_buffer_reset(&b, 256);
  assert_true(cbc_buffer_adds(&b, "d"));
  cbc_buffer_free(&b);
  testenv_check(&t);
}

static void a_size_beyond_memory_fails(void **state) {
  testenv t;
  cbc_buffer b;
  (void)state;
  testenv_init(&t);
  cbc_buffer_init(&b, &t.env);
  cbc_buffer_adds(&b, "abc");
  assert_false(cbc_buffer_add(&b, "x", SIZE_MAX / 2 + 1));
  assert_true(b.failed);
  cbc_buffer_free(&b);
  testenv_check(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(an_empty_buffer_takes_no_memory),
                                     cmocka_unit_test(bytes_are_kept_in_order),
                                     cmocka_unit_test(a_string_is_terminated_and_goes_on),
                                     cmocka_unit_test(the_terminator_gets_room_of_its_own),
                                     cmocka_unit_test(bytes_are_dropped_from_the_front),
                                     cmocka_unit_test(memory_is_kept_up_to_a_size),
                                     cmocka_unit_test(a_failed_append_is_remembered),
                                     cmocka_unit_test(a_size_beyond_memory_fails)};
  return cmocka_run_group_tests_name("cbc_buffer", tests, NULL, NULL);
}
