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
  cbc_buffer_adds(&r.text, "{}");
  cbc_request_reset(&r);
  assert_string_equal(r.method, "GET");
  assert_int_equal(r.body, CBC_BODY_NONE);
  assert_true(r.json == NULL && r.json_size == 0 && !r.stream && r.connect_timeout == 0);
  assert_true(r.header_count == 0 && r.part_count == 0);
  assert_int_equal(r.url.size, 0);
  assert_int_equal(r.text.size, 0);
  assert_int_equal(t.blocks, 2);
  cbc_request_free(&r);
  testenv_check(&t);
}

static void the_memory_of_a_huge_URL_or_body_is_not_kept(void **state) {
  testenv t;
  cbc_request r;
  enum { SIZE = 70000 };
  char *text = test_malloc(SIZE);
  (void)state;
  testenv_init(&t);
  cbc_request_init(&r, &t.env);
  memset(text, 'x', SIZE);
  cbc_buffer_add(&r.url, text, SIZE);
  cbc_buffer_add(&r.text, text, SIZE);
  cbc_request_reset(&r);
  assert_int_equal(t.blocks, 0);
  cbc_request_free(&r);
  test_free(text);
  testenv_check(&t);
}

/* ==== Feeds =========================================================== */

static void a_feed_is_taken_in_order_as_room_allows(void **state) {
  testenv t;
  cbc_feed feed;
  char got[30] = "";
  size_t n, size = 0;
  (void)state;
  testenv_init(&t);
  cbc_feed_init(&feed, &t.env);
  assert_int_equal(cbc_feed_size(&feed), 0);
  assert_int_equal(cbc_feed_take(&feed, got, sizeof got), 0);
  assert_false(feed.hungry || feed.ended);
  cbc_buffer_adds(&feed.gathered, "0123");
  feed.borrowed = "456789abcdef";
  feed.borrowed_size = 12;
  for (size_t left = 16, room = 3; left > 0; left -= n) {
    assert_int_equal(cbc_feed_size(&feed), left);
    n = cbc_feed_take(&feed, got + size, room);
    assert_in_range(n, 1, room);
    size += n;
    room = left % 5 + 1;
  }
  assert_int_equal(cbc_feed_take(&feed, got, 3), 0);
  assert_string_equal(got, "0123456789abcdef");
  cbc_feed_free(&feed);
  testenv_check(&t);
}

/* A large piece is never copied but to where it goes: what remains stays where
** it was. */
static void what_is_borrowed_is_not_moved(void **state) {
  enum { SIZE = 100000, ROOM = 1000 };
  char *piece = test_malloc(SIZE), to[ROOM];
  testenv t;
  cbc_feed feed;
  (void)state;
  memset(piece, 'x', SIZE);
  testenv_init(&t);
  cbc_feed_init(&feed, &t.env);
  feed.borrowed = piece;
  feed.borrowed_size = SIZE;
  for (size_t taken = 0; taken < SIZE; taken += ROOM) {
    assert_ptr_equal(feed.borrowed, piece + taken);
    assert_int_equal(cbc_feed_take(&feed, to, ROOM), ROOM);
  }
  assert_int_equal(t.allocations, 0);
  cbc_feed_free(&feed);
  test_free(piece);
  testenv_check(&t);
}

static void a_feed_that_is_freed_borrows_nothing(void **state) {
  testenv t;
  cbc_feed feed;
  (void)state;
  testenv_init(&t);
  cbc_feed_init(&feed, &t.env);
  cbc_buffer_adds(&feed.gathered, "01234");
  feed.borrowed = "56789";
  feed.borrowed_size = 5;
  feed.ended = true;
  cbc_feed_free(&feed);
  assert_int_equal(cbc_feed_size(&feed), 0);
  assert_false(feed.ended);
  testenv_check(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_request_is_an_empty_GET),
      cmocka_unit_test(a_reset_request_is_as_new_and_keeps_its_memory),
      cmocka_unit_test(the_memory_of_a_huge_URL_or_body_is_not_kept),
      cmocka_unit_test(a_feed_is_taken_in_order_as_room_allows),
      cmocka_unit_test(what_is_borrowed_is_not_moved),
      cmocka_unit_test(a_feed_that_is_freed_borrows_nothing)};
  return cmocka_run_group_tests_name("cbc_request", tests, NULL, NULL);
}
