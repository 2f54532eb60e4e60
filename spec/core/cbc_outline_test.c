/*
** cbc_outline_test.c - what of a JSON text is called plain, and where its members
** stand. That lua-cjson decodes all of it is shown by outline_spec.lua.
*/
#include "testenv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cbc_outline.h"

/* Reads a copy of the text that has nothing behind its NUL byte, so that reading
** past it shows under a sanitizer. */
static bool read_bytes(const char *text, size_t n, cbc_outline *outline) {
  char *copy = malloc(n + 1);
  bool plain;
  assert_non_null(copy);
  memcpy(copy, text, n);
  copy[n] = '\0';
  plain = cbc_outline_read(copy, n, outline);
  free(copy);
  return plain;
}

static bool is_plain(const char *text) {
  cbc_outline_room room;
  return read_bytes(text, strlen(text), &room.outline);
}

static void assert_plain(const char *text, bool plain) {
  if (is_plain(text) != plain) fail_msg("%s is %splain", text, plain ? "not " : "");
}

/* An object of one member, whose value opens and closes so many times. */
static const char *nested(char *to, size_t size, const char *open, const char *close, int count) {
  size_t n = (size_t)snprintf(to, size, "{\"a\":");
  for (int i = 0; i < count; i++)
    n += (size_t)snprintf(to + n, size - n, "%s", open);
  for (int i = 0; i < count; i++)
    n += (size_t)snprintf(to + n, size - n, "%s", close);
  snprintf(to + n, size - n, "}");
  return to;
}

/* ==== Members ========================================================= */

/* Fails unless the member has that name and that value in the text. */
static void assert_member(const char *text, const cbc_member *m, const char *name,
                          const char *value) {
  assert_non_null(m);
  assert_int_equal(m->name_size, strlen(name));
  assert_memory_equal(text + m->name, name, m->name_size);
  assert_int_equal(m->value_size, strlen(value));
  assert_memory_equal(text + m->value, value, m->value_size);
}

static void members_stand_in_the_order_of_the_text(void **state) {
  static const char text[] =
      " { \"id\" : \"UR-1\" ,\n\"n\":-1.5,\t\"\":\"\",\"o\":{\"id\":[2]} }\r\n";
  cbc_outline_room room;
  (void)state;
  assert_true(cbc_outline_read(text, strlen(text), &room.outline));
  assert_int_equal(room.outline.count, 4);
  assert_member(text, &room.outline.members[0], "id", "\"UR-1\"");
  assert_member(text, &room.outline.members[1], "n", "-1.5");
  assert_member(text, &room.outline.members[2], "", "\"\"");
  assert_member(text, &room.outline.members[3], "o", "{\"id\":[2]}");
}

static void a_member_is_found_by_its_whole_name(void **state) {
  static const char text[] = "{\"status\":1,\"stat\":2,\"statuses\":3,\"o\":{\"inner\":4}}";
  cbc_outline_room room;
  const cbc_outline *o = &room.outline;
  (void)state;
  assert_true(cbc_outline_read(text, strlen(text), &room.outline));
  assert_member(text, cbc_outline_find(o, text, "stat", 4), "stat", "2");
  assert_member(text, cbc_outline_find(o, text, "status", 6), "status", "1");
  assert_null(cbc_outline_find(o, text, "sta", 3));
  assert_null(cbc_outline_find(o, text, "", 0));
  assert_null(cbc_outline_find(o, text, "inner", 5));
}

static void of_several_members_of_a_name_the_last_counts(void **state) {
  static const char text[] = "{\"status\":\"closed\",\"id\":1,\"status\":\"open\"}";
  cbc_outline_room room;
  (void)state;
  assert_true(cbc_outline_read(text, strlen(text), &room.outline));
  assert_member(text, cbc_outline_find(&room.outline, text, "status", 6), "status", "\"open\"");
}

static void the_first_byte_of_a_value_tells_its_kind(void **state) {
  static const struct {
    const char *value;
    cbc_member_kind kind;
  } cases[] = {{"\"\"", CBC_MEMBER_STRING},   {"\"null\"", CBC_MEMBER_STRING},
               {"0", CBC_MEMBER_NUMBER},      {"-7.25", CBC_MEMBER_NUMBER},
               {"true", CBC_MEMBER_TRUE},     {"false", CBC_MEMBER_FALSE},
               {"null", CBC_MEMBER_NULL},     {"{}", CBC_MEMBER_OTHER},
               {"[\"a\"]", CBC_MEMBER_OTHER}, {"{\"a\":null}", CBC_MEMBER_OTHER}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[100];
    cbc_outline_room room;
    const cbc_member *m = &room.outline.members[0];
    snprintf(text, sizeof text, "{\"a\": %s }", cases[i].value);
    assert_true(cbc_outline_read(text, strlen(text), &room.outline));
    assert_member(text, m, "a", cases[i].value);
    assert_int_equal(cbc_member_kind_of(m, text), cases[i].kind);
  }
}

/* ==== What is plain =================================================== */

static void what_is_no_JSON_is_not_plain(void **state) {
  static const char *const broken[] = {"",
                                       " ",
                                       "{",
                                       "{\"a\"",
                                       "{\"a\":",
                                       "{\"a\":1",
                                       "{\"a\":1,}",
                                       "{,\"a\":1}",
                                       "{\"a\":}",
                                       "{\"a\" 1}",
                                       "{a:1}",
                                       "{'a':1}",
                                       "{\"a\":01}",
                                       "{\"a\":-}",
                                       "{\"a\":.5}",
                                       "{\"a\":1.}",
                                       "{\"a\":+1}",
                                       "{\"a\":0x1}",
                                       "{\"a\":tru}",
                                       "{\"a\":nul}",
                                       "{\"a\":True}",
                                       "{\"a\":[1,]}",
                                       "{\"a\":[1 2]}",
                                       "{\"a\":[}",
                                       "{\"a\":{]}",
                                       "{\"a\":[1}]}",
                                       "{\"a\":1}}",
                                       "{\"a\":1},",
                                       "{\"a\":1} x",
                                       "\"a\":1}",
                                       "{\"a\":\"}",
                                       "{\"}",
                                       "{\"a\":\"b}",
                                       "{\"a\":1\"b\":2}"};
  (void)state;
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
    assert_plain(broken[i], false);
}

static void what_is_no_object_is_not_plain(void **state) {
  (void)state;
  assert_plain("[{\"a\":1}]", false);
  assert_plain("\"a\"", false);
  assert_plain("null", false);
  assert_plain("{}", false); /* it has no member to be looked for */
}

static void a_text_cut_off_anywhere_is_not_plain(void **state) {
  static const char text[] =
      "{\"id\":\"UR-1\",\"n\":[-1.5,true,null],\"o\":{\"\":false},\"s\":\"closed\"}";
  cbc_outline_room room;
  (void)state;
  assert_true(read_bytes(text, strlen(text), &room.outline));
  for (size_t n = 0; n < strlen(text); n++)
    assert_false(read_bytes(text, n, &room.outline));
}

/* ==== Where it stops being sure ======================================= */

static void a_backslash_or_a_NUL_byte_is_not_plain(void **state) {
  static const char nul[] = "{\"a\":\"x\0y\"}";
  static const char behind[] = "{\"a\":1}\0";
  cbc_outline_room room;
  (void)state;
  assert_plain("{\"a\":\"x\"}", true);
  assert_plain("{\"a\":\"\\u0041\"}", false);
  assert_plain("{\"a\":\"\\\"\"}", false);
  assert_plain("{\"\\\\\":\"x\"}", false);
  assert_false(read_bytes(nul, sizeof nul - 1, &room.outline));
  assert_false(read_bytes(behind, sizeof behind - 1, &room.outline));
}

static void numbers_have_at_most_15_digits_on_each_side_and_no_exponent(void **state) {
  (void)state;
  assert_plain("{\"a\":123456789012345}", true);
  assert_plain("{\"a\":-123456789012345}", true);
  assert_plain("{\"a\":1234567890123456}", false);
  assert_plain("{\"a\":0.123456789012345}", true);
  assert_plain("{\"a\":0.1234567890123456}", false);
  assert_plain("{\"a\":1e5}", false);
  assert_plain("{\"a\":1.5E5}", false);
}

static void nesting_is_at_most_32_deep(void **state) {
  char text[1000];
  (void)state;
  assert_plain(nested(text, sizeof text, "[", "]", 31), true);
  assert_plain(nested(text, sizeof text, "[", "]", 32), false);
  assert_plain("{\"a\":[{\"b\":[{\"c\":1}]}]}", true);
}

static void members_are_at_most_48(void **state) {
  char text[1000];
  (void)state;
  for (int count = 47; count <= 49; count++) {
    size_t n = (size_t)snprintf(text, sizeof text, "{\"a\":1");
    cbc_outline_room room;
    for (int i = 1; i < count; i++)
      n += (size_t)snprintf(text + n, sizeof text - n, ",\"b%d\":\"\"", i);
    snprintf(text + n, sizeof text - n, "}");
    assert_int_equal(read_bytes(text, strlen(text), &room.outline), count <= 48);
  }
  assert_int_equal(CBC_MEMBERS_MOST, 48);
}

/* ==== Lists =========================================================== */

/* How many objects the text plainly lists; -1 where it is not plain to its end. */
static int listed(const char *text) {
  size_t n = strlen(text);
  char *copy = malloc(n + 1);
  cbc_outline_room room;
  cbc_outline_list list;
  int count = 0;
  assert_non_null(copy);
  memcpy(copy, text, n + 1);
  cbc_outline_open(&list, copy, n);
  while (cbc_outline_next(&list, &room.outline))
    count++;
  if (!cbc_outline_ended(&list)) count = -1;
  assert_false(cbc_outline_next(&list, &room.outline));
  free(copy);
  return count;
}

static void the_objects_of_a_list_are_read_one_after_the_other(void **state) {
  static const char text[] = " [ {\"id\":\"UR-1\"} ,\n{ } , {\"id\":\"UR-3\",\"l\":[{}]}]\r\n";
  cbc_outline_list list;
  cbc_outline_room room;
  (void)state;
  cbc_outline_open(&list, text, strlen(text));
  assert_true(cbc_outline_next(&list, &room.outline));
  assert_member(text, cbc_outline_find(&room.outline, text, "id", 2), "id", "\"UR-1\"");
  assert_false(cbc_outline_ended(&list));
  assert_true(cbc_outline_next(&list, &room.outline));
  assert_int_equal(room.outline.count, 0);
  assert_true(cbc_outline_next(&list, &room.outline));
  assert_member(text, cbc_outline_find(&room.outline, text, "id", 2), "id", "\"UR-3\"");
  assert_int_equal(room.outline.count, 2);
  assert_false(cbc_outline_next(&list, &room.outline));
  assert_true(cbc_outline_ended(&list));
}

static void what_is_no_list_of_objects_is_not_plain(void **state) {
  static const char *const texts[] = {"",        " ",
                                      "{}",      "[",
                                      "[{}",     "[{},",
                                      "[{},]",   "[,{}]",
                                      "[{}{}]",  "[{}]]",
                                      "[{}] x",  "[{},1]",
                                      "[\"a\"]", "[{\"a\":1}, {\"a\":\"\\u0041\"}]",
                                      "[[{}]]",  "[{\"a\":}]",
                                      "]"};
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (listed(texts[i]) != -1) fail_msg("%s is plain", texts[i]);
  assert_int_equal(listed("[]"), 0);
  assert_int_equal(listed(" [ ] "), 0);
  assert_int_equal(listed("[{\"a\":1}]"), 1);
}

static void a_list_cut_off_anywhere_is_not_plain(void **state) {
  static const char text[] =
      "[{\"id\":\"UR-1\",\"n\":-1.5},{\"id\":\"UR-2\",\"t\":true,\"z\":null}]";
  char part[sizeof text];
  (void)state;
  assert_int_equal(listed(text), 2);
  for (size_t n = 0; n < sizeof text - 1; n++) {
    memcpy(part, text, n);
    part[n] = '\0';
    assert_int_equal(listed(part), -1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(members_stand_in_the_order_of_the_text),
      cmocka_unit_test(a_member_is_found_by_its_whole_name),
      cmocka_unit_test(of_several_members_of_a_name_the_last_counts),
      cmocka_unit_test(the_first_byte_of_a_value_tells_its_kind),
      cmocka_unit_test(what_is_no_JSON_is_not_plain),
      cmocka_unit_test(what_is_no_object_is_not_plain),
      cmocka_unit_test(a_text_cut_off_anywhere_is_not_plain),
      cmocka_unit_test(a_backslash_or_a_NUL_byte_is_not_plain),
      cmocka_unit_test(numbers_have_at_most_15_digits_on_each_side_and_no_exponent),
      cmocka_unit_test(nesting_is_at_most_32_deep),
      cmocka_unit_test(members_are_at_most_48),
      cmocka_unit_test(the_objects_of_a_list_are_read_one_after_the_other),
      cmocka_unit_test(what_is_no_list_of_objects_is_not_plain),
      cmocka_unit_test(a_list_cut_off_anywhere_is_not_plain)};
  return cmocka_run_group_tests_name("cbc_outline", tests, NULL, NULL);
}
