/*
** cbc_slist_test.c - lists of headers that can be wiped.
*/
#include "testenv.h"

#include <string.h>

#include "cbc_slist.h"

static void a_line_has_the_form_that_libcurl_reads(void **state) {
  testenv t;
  struct curl_slist *list;
  (void)state;
  testenv_init(&t);
  list = cbc_slist_add(&t.env, NULL, "X-Full", "one two");
  list = cbc_slist_add(&t.env, list, "X-Empty", "");
  list = cbc_slist_add(&t.env, list, "Expect", NULL);
  assert_string_equal(list->data, "Expect:");
  assert_string_equal(list->next->data, "X-Empty;");
  assert_string_equal(list->next->next->data, "X-Full: one two");
  assert_null(list->next->next->next);
  cbc_slist_free(&t.env, list, NULL);
  testenv_check(&t);
}

static void only_the_nodes_before_the_end_are_given_back(void **state) {
  testenv t;
  struct curl_slist *clients, *request;
  (void)state;
  testenv_init(&t);
  clients = cbc_slist_add(&t.env, NULL, "A", "1");
  request = cbc_slist_add(&t.env, clients, "B", "2");
  request = cbc_slist_add(&t.env, request, "C", "3");
  cbc_slist_free(&t.env, request, clients);
  assert_int_equal(t.blocks, 1);
  assert_string_equal(clients->data, "A: 1");
  cbc_slist_free(&t.env, clients, clients);
  assert_int_equal(t.blocks, 1);
  cbc_slist_free(&t.env, clients, NULL);
  testenv_check(&t);
}

static void the_key_is_wiped(void **state) {
  testenv t;
  struct curl_slist *list;
  (void)state;
  testenv_init(&t);
  t.secret = "s3cret";
  list = cbc_slist_add(&t.env, NULL, "Authorization", "ApiKey SU-1:s3cret");
  cbc_slist_free(&t.env, list, NULL);
  testenv_check(&t);
}

static void without_memory_the_list_stays(void **state) {
  testenv t;
  struct curl_slist *list;
  (void)state;
  testenv_init(&t);
  list = cbc_slist_add(&t.env, NULL, "A", "1");
  testenv_fail(&t, 1, false);
  assert_null(cbc_slist_add(&t.env, list, "B", "2"));
  assert_string_equal(list->data, "A: 1");
  cbc_slist_free(&t.env, list, NULL);
  testenv_check(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_line_has_the_form_that_libcurl_reads),
                                     cmocka_unit_test(only_the_nodes_before_the_end_are_given_back),
                                     cmocka_unit_test(the_key_is_wiped),
                                     cmocka_unit_test(without_memory_the_list_stays)};
  return cmocka_run_group_tests_name("cbc_slist", tests, NULL, NULL);
}
