/*
** cbc_transfer_test.c - requests and replies on the wire, against a server that
** says what it is told to.
*/
#include "scene.h"

#include <stdio.h>
#include <string.h>

/* Puts word in the place of what stands between from (kept) and the next end of
** line. */
static void put_word(char *text, const char *from, const char *word) {
  char *at = strstr(text, from);
  char *rest;
  char copy[4096];
  assert_non_null(at);
  at += strlen(from);
  rest = strstr(at, "\r\n");
  assert_non_null(rest);
  assert_true(rest > at);
  strcpy(copy, rest);
  strcpy(at, word);
  strcat(at, copy);
}

/* The n-th request's bytes, with HOST for the server's address and CODINGS for
** what libcurl can decode, which is its own affair. */
static void assert_request(scene *s, size_t n, const char *expected) {
  const char *came = loopback_request(s->server, n);
  char text[4096];
  assert_non_null(came);
  assert_true(strlen(came) < sizeof text - 100);
  strcpy(text, came);
  put_word(text, "Host: ", "HOST");
  put_word(text, "Accept-Encoding: ", "CODINGS");
  assert_string_equal(text, expected);
}

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello"

static const loopback_step fine = {OK_EMPTY, LOOPBACK_KEEP};
static const loopback_step hello = {OK_HELLO, LOOPBACK_KEEP};

/* ==== What is sent ==================================================== */

static void each_method_has_its_form(void **state) {
  static const char *const rows[][3] = {
      {"GET", NULL, "GET /p?q=1 HTTP/1.1\r\nHost: HOST\r\n"},
      {"DELETE", NULL, "DELETE /p?q=1 HTTP/1.1\r\nHost: HOST\r\n"},
      {"POST", "{}", "POST /p?q=1 HTTP/1.1\r\nHost: HOST\r\n"},
      {"PUT", "[1]", "PUT /p?q=1 HTTP/1.1\r\nHost: HOST\r\n"},
      {"PATCH", "[1]", "PATCH /p?q=1 HTTP/1.1\r\nHost: HOST\r\n"},
      {"POST", NULL, "POST /p?q=1 HTTP/1.1\r\nHost: HOST\r\n"},
      {"GET", NULL, "GET /p?q=1 HTTP/1.1\r\nHost: HOST\r\n"}};
  scene s;
  (void)state;
  scene_open(&s, &fine, 1);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char expected[1000], length[80] = "", type[80] = "";
    const char *json = rows[i][1];
    scene_describe(&s, rows[i][0], "/p?q=1");
    if (json != NULL) scene_json(&s, json);
    assert_int_equal(scene_perform(&s)->status, 200);
    if (json != NULL) strcpy(type, "Content-Type: application/json\r\n");
    if (json != NULL || strcmp(rows[i][0], "POST") == 0)
      snprintf(length, sizeof length, "Content-Length: %zu\r\n", json != NULL ? strlen(json) : 0);
    snprintf(expected, sizeof expected,
             "%sAccept: */*\r\n%sAccept-Encoding: CODINGS\r\nUser-Agent: test/1\r\n"
             "Authorization: " SCENE_KEY "\r\nX-Client: c\r\n%s\r\n%s",
             rows[i][2], type, length, json != NULL ? json : "");
    assert_request(&s, i, expected);
  }
  assert_int_equal(loopback_connections(s.server), 1);
  scene_close(&s);
}

static void headers_of_one_request_stay_with_it(void **state) {
  static const cbc_field own[] = {{"X-Own", "o"}, {"X-None", ""}};
  scene s;
  (void)state;
  scene_open(&s, &fine, 1);
  scene_describe(&s, "GET", "/");
  s.r.headers = own;
  s.r.header_count = 2;
  scene_perform(&s);
  scene_describe(&s, "GET", "/");
  scene_perform(&s);
  assert_non_null(strstr(loopback_request(s.server, 0), "\r\nX-Own: o\r\nX-None:\r\n"));
  assert_null(strstr(loopback_request(s.server, 1), "X-Own"));
  assert_non_null(strstr(loopback_request(s.server, 1), "\r\nAuthorization: " SCENE_KEY "\r\n"));
  scene_close(&s);
}

static void a_large_body_is_sent_without_asking_first(void **state) {
  static char json[20000];
  scene s;
  (void)state;
  memset(json, '1', sizeof json - 1);
  scene_open(&s, &fine, 1);
  scene_describe(&s, "POST", "/");
  scene_json(&s, json);
  assert_int_equal(scene_perform(&s)->status, 200);
  assert_null(strstr(loopback_request(s.server, 0), "Expect"));
  assert_non_null(strstr(loopback_request(s.server, 0), json));
  scene_close(&s);
}

static void a_refused_connection_is_unsent(void **state) {
  scene s;
  (void)state;
  scene_open(&s, &fine, 1);
  scene_describe(&s, "GET", "/");
  loopback_stop(s.server);
  s.server = NULL;
  assert_int_equal(scene_perform(&s)->status, 0);
  assert_false(cbc_transfer_reply(s.x)->sent);
  assert_int_equal(cbc_transfer_reply(s.x)->error.code, CBC_ETRANSPORT);
  scene_close(&s);
}

/* ==== Once ============================================================ */

/* The second request meets a connection that is closed without a reply: libcurl
** takes it for one that had been dead before, and would send again. */
static const loopback_step dies_in_the_second[] = {
    {OK_EMPTY, LOOPBACK_KEEP}, {NULL, LOOPBACK_CLOSE}, {OK_EMPTY, LOOPBACK_KEEP}};

static void what_must_be_sent_once_is_sent_once(void **state) {
  scene s;
  (void)state;
  scene_open(&s, dies_in_the_second, 3);
  scene_describe(&s, "POST", "/first");
  scene_perform(&s);
  scene_describe(&s, "POST", "/second");
  scene_start(&s, PATIENCE, true);
  scene_wait(&s, cbc_transfer_done);
  assert_int_equal(cbc_transfer_reply(s.x)->status, 0);
  assert_true(cbc_transfer_reply(s.x)->sent);
  assert_int_equal(loopback_requests(s.server), 2);
  scene_close(&s);
}

static void anything_else_may_be_sent_again_by_libcurl(void **state) {
  scene s;
  (void)state;
  scene_open(&s, dies_in_the_second, 3);
  scene_describe(&s, "GET", "/first");
  scene_perform(&s);
  assert_int_equal(scene_perform(&s)->status, 200);
  assert_int_equal(loopback_requests(s.server), 3);
  scene_close(&s);
}

/* ==== Connections that hold something ================================= */

/* A reply whose end is read from the socket byte by byte, so that what stands
** behind it stays there; terminated. */
static char *make_long_reply(const char *behind) {
  enum { SIZE = 20000 };
  char *bytes = test_malloc(SIZE + 2000);
  int head = snprintf(bytes, 200, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", SIZE);
  memset(bytes + head, '1', SIZE);
  strcpy(bytes + head + SIZE, behind);
  return bytes;
}

static bool has_piece(const cbc_transfer *x) {
  return cbc_transfer_done(x) || cbc_transfer_streaming(x);
}

/* Reads a long reply on a connection that is kept. */
static void read_long_reply(scene *s) {
  scene_describe(s, "GET", "/long");
  s->r.stream = true;
  scene_start(s, PATIENCE, true);
  for (scene_wait(s, has_piece); !cbc_transfer_done(s->x); scene_wait(s, has_piece)) {
    cbc_transfer_reply(s->x)->body.size = 0;
    assert_int_equal(cbc_transfer_resume(s->x, &s->err), CBC_OK);
  }
  assert_int_equal(cbc_transfer_reply(s->x)->status, 200);
}

static void a_reply_that_is_there_before_the_request_is_not_its_answer(void **state) {
  static const char *const stale[] = {OK_HELLO, "H", "\r\n",
                                      "HTTP/1.1 408 Request Timeout\r\n\r\n"};
  (void)state;
  for (size_t i = 0; i < sizeof stale / sizeof *stale; i++) {
    char *bytes = make_long_reply(stale[i]);
    const loopback_step steps[] = {{bytes, LOOPBACK_KEEP}, {OK_EMPTY, LOOPBACK_KEEP}};
    scene s;
    scene_open(&s, steps, 2);
    read_long_reply(&s);
    for (int n = 0; n < 2; n++) {
      scene_describe(&s, "POST", "/next");
      scene_start(&s, PATIENCE, true);
      scene_wait(&s, cbc_transfer_done);
      assert_int_equal(cbc_transfer_reply(s.x)->status, 200);
      scene_assert_body(&s, "");
    }
    /* One new connection, and each request once. */
    assert_int_equal(loopback_requests(s.server), 3);
    assert_int_equal(loopback_connections(s.server), 2);
    scene_close(&s);
    test_free(bytes);
  }
}

/* What can't be looked into may hold anything. */
static void a_kept_connection_whose_socket_is_not_known_is_not_used(void **state) {
  scene s;
  (void)state;
  scene_open(&s, &fine, 1);
  for (size_t i = 1; i <= 3; i++) {
    scene_describe(&s, "POST", "/");
    assert_int_equal(scene_perform(&s)->status, 200);
    assert_int_equal(loopback_requests(s.server), i);
    assert_int_equal(loopback_connections(s.server), i);
    s.x->profile->multi.opened.count = 0;
  }
  scene_close(&s);
}

static void what_goes_on_over_a_new_connection_keeps_to_its_time(void **state) {
  char *bytes = make_long_reply(OK_HELLO);
  const loopback_step steps[] = {{bytes, LOOPBACK_KEEP}, {NULL, LOOPBACK_HANG}};
  double begun;
  scene s;
  (void)state;
  scene_open(&s, steps, 2);
  read_long_reply(&s);
  scene_describe(&s, "POST", "/next");
  begun = s.t.env.now(&s.t);
  scene_start(&s, 0.2, true);
  scene_wait(&s, cbc_transfer_done);
  assert_in_range((unsigned)((s.t.env.now(&s.t) - begun) * 1000), 199, 3000);
  assert_memory_equal(cbc_transfer_reply(s.x)->error.message, "timeout: ", 9);
  assert_true(cbc_transfer_reply(s.x)->sent);
  scene_close(&s);
  test_free(bytes);
}

static void a_new_connection_that_can_not_be_had_leaves_it_unsent(void **state) {
  char *bytes = make_long_reply(OK_HELLO);
  const loopback_step step = {bytes, LOOPBACK_KEEP};
  scene s;
  (void)state;
  scene_open(&s, &step, 1);
  read_long_reply(&s);
  loopback_refuse(s.server);
  scene_describe(&s, "POST", "/next");
  scene_start(&s, PATIENCE, true);
  scene_wait(&s, cbc_transfer_done);
  assert_int_equal(cbc_transfer_reply(s.x)->status, 0);
  assert_false(cbc_transfer_reply(s.x)->sent);
  assert_int_equal(loopback_requests(s.server), 1);
  scene_close(&s);
  test_free(bytes);
}

/* ==== Ends ============================================================ */

static bool is_sent(const cbc_transfer *x) {
  return cbc_transfer_done(x) || cbc_transfer_sent(x);
}

static void a_transfer_that_is_stopped_stays_sent_and_can_start_again(void **state) {
  static const loopback_step steps[] = {{NULL, LOOPBACK_HANG}, {OK_HELLO, LOOPBACK_KEEP}};
  scene s;
  (void)state;
  scene_open(&s, steps, 2);
  scene_describe(&s, "GET", "/");
  scene_start(&s, PATIENCE, true);
  scene_wait(&s, is_sent);
  while (loopback_requests(s.server) == 0)
    assert_int_equal(cbc_transport_wait(s.transport, 0.01, &s.err), CBC_OK);
  cbc_transfer_stop(s.x);
  assert_true(cbc_transfer_done(s.x) && cbc_transfer_sent(s.x));
  assert_int_equal(scene_perform(&s)->status, 200);
  scene_assert_body(&s, "hello");
  scene_close(&s);
}

static void an_orphan_outlives_its_transport(void **state) {
  scene s;
  (void)state;
  scene_open(&s, &hello, 1);
  scene_describe(&s, "GET", "/");
  scene_perform(&s);
  cbc_transport_free(s.transport);
  s.transport = NULL;
  scene_assert_body(&s, "hello");
  cbc_transport_release(s.x);
  s.x = NULL;
  scene_close(&s);
}

static void released_transfers_are_used_again(void **state) {
  cbc_transfer *first;
  scene s;
  (void)state;
  scene_open(&s, &hello, 1);
  first = s.x;
  cbc_transport_release(s.x);
  s.x = cbc_transport_acquire(s.transport, &s.err);
  assert_ptr_equal(s.x, first);
  cbc_transport_release(NULL);
  scene_close(&s);
}

/* ==== Memory ========================================================== */

/* One POST with headers of its own and a whole reply; every allocation of the
** core fails in turn. */
static void memory_that_ends_at_any_allocation_is_told(void **state) {
  static const cbc_field own = {"X-Own", "o"};
  (void)state;
  for (size_t n = 1;; n++) {
    scene s;
    cbc_code rc;
    bool failed;
    scene_open(&s, &hello, 1);
    testenv_fail(&s.t, n, n % 2 == 0);
    scene_describe(&s, "POST", "/some/path");
    scene_json(&s, "{}");
    s.r.headers = &own;
    s.r.header_count = 1;
    rc = cbc_transfer_start(s.x, &s.r, s.t.env.now(&s.t), 5, true, NULL, &s.err);
    while (rc == CBC_OK && !cbc_transfer_done(s.x))
      rc = cbc_transport_wait(s.transport, 1, &s.err);
    failed = s.t.failures > 0;
    testenv_fail(&s.t, 0, false);
    if (rc == CBC_OK && failed)
      assert_int_equal(cbc_transfer_reply(s.x)->error.code, CBC_ENOMEM);
    else
      assert_int_equal(rc, failed ? CBC_ENOMEM : CBC_OK);
    cbc_transfer_stop(s.x);
    /* It works on. */
    scene_describe(&s, "GET", "/");
    assert_int_equal(scene_perform(&s)->status, 200);
    scene_close(&s);
    if (!failed) {
      assert_true(n > 3);
      break;
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_method_has_its_form),
      cmocka_unit_test(headers_of_one_request_stay_with_it),
      cmocka_unit_test(a_large_body_is_sent_without_asking_first),
      cmocka_unit_test(a_refused_connection_is_unsent),
      cmocka_unit_test(what_must_be_sent_once_is_sent_once),
      cmocka_unit_test(anything_else_may_be_sent_again_by_libcurl),
      cmocka_unit_test(a_reply_that_is_there_before_the_request_is_not_its_answer),
      cmocka_unit_test(a_kept_connection_whose_socket_is_not_known_is_not_used),
      cmocka_unit_test(what_goes_on_over_a_new_connection_keeps_to_its_time),
      cmocka_unit_test(a_new_connection_that_can_not_be_had_leaves_it_unsent),
      cmocka_unit_test(a_transfer_that_is_stopped_stays_sent_and_can_start_again),
      cmocka_unit_test(an_orphan_outlives_its_transport),
      cmocka_unit_test(released_transfers_are_used_again),
      cmocka_unit_test(memory_that_ends_at_any_allocation_is_told)};
  return cmocka_run_group_tests_name("cbc_transfer", tests, NULL, NULL);
}
