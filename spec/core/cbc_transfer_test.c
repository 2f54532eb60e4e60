/*
** cbc_transfer_test.c - requests and replies on the wire, against a server that
** says what it is told to.
*/
#include "testenv.h"

#include <stdio.h>
#include <string.h>

#include "cbc_transport_impl.h"
#include "loopback.h"

#define KEY "ApiKey SU-000-000-000:s3cret"

/* Seconds after which a test that hangs gives up. */
#define PATIENCE 20.0

/* A server, a transport to it, and one transfer with its request. */
typedef struct scene {
  testenv t;
  loopback *server;
  cbc_transport *transport;
  cbc_transfer *x;
  cbc_request r;
  cbc_error err;
} scene;

static void open_scene(scene *s, const loopback_step *steps, size_t count) {
  static const cbc_field more = {"X-Client", "c"};
  loopback *server = loopback_start(steps, count);
  cbc_transport_options o = {.key = KEY,
                             .user_agent = "test/1",
                             .headers = &more,
                             .header_count = 1,
                             .connect_timeout = 5,
                             .max_response = 1000,
                             .max_connections = 4,
                             .origin = loopback_url(server),
                             .origin_size = strlen(loopback_url(server)),
                             .plain = true};
  s->server = server;
  testenv_init(&s->t);
  s->t.clock = -1;
  s->t.secret = "s3cret";
  s->transport = cbc_transport_new(&s->t.env, &o, &s->err);
  assert_non_null(s->transport);
  s->x = cbc_transfer_acquire(s->transport, &s->err);
  assert_non_null(s->x);
  cbc_request_init(&s->r, &s->t.env);
}

static void close_scene(scene *s) {
  cbc_transfer_release(s->x);
  cbc_transport_free(s->transport);
  cbc_request_free(&s->r);
  loopback_stop(s->server);
  testenv_check(&s->t);
}

static void describe(scene *s, const char *method, const char *path) {
  cbc_request_reset(&s->r);
  s->r.method = method;
  cbc_buffer_adds(&s->r.url, loopback_url(s->server));
  cbc_buffer_adds(&s->r.url, path);
}

static void with_json(scene *s, const char *json) {
  s->r.body = CBC_BODY_JSON;
  s->r.json = json;
  s->r.json_size = strlen(json);
}

/* Begins to send, and waits until ready. */
static void start(scene *s, double timeout, bool once) {
  assert_int_equal(cbc_transfer_start(s->x, &s->r, timeout, once, &s->err), CBC_OK);
}

static void wait_until(scene *s, bool (*ready)(const cbc_transfer *)) {
  double begun = s->t.env.now(&s->t);
  while (!ready(s->x)) {
    assert_int_equal(cbc_transport_wait(s->transport, 1, &s->err), CBC_OK);
    assert_true(s->t.env.now(&s->t) - begun < PATIENCE);
  }
}

static cbc_reply *perform(scene *s) {
  start(s, PATIENCE, false);
  wait_until(s, cbc_transfer_done);
  return cbc_transfer_reply(s->x);
}

static void assert_body(scene *s, const char *expected) {
  const cbc_buffer *body = &cbc_transfer_reply(s->x)->body;
  assert_int_equal(body->size, strlen(expected));
  if (body->size > 0) assert_memory_equal(body->data, expected, body->size);
}

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
  open_scene(&s, &fine, 1);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char expected[1000], length[80] = "", type[80] = "";
    const char *json = rows[i][1];
    describe(&s, rows[i][0], "/p?q=1");
    if (json != NULL) with_json(&s, json);
    assert_int_equal(perform(&s)->status, 200);
    if (json != NULL) strcpy(type, "Content-Type: application/json\r\n");
    if (json != NULL || strcmp(rows[i][0], "POST") == 0)
      snprintf(length, sizeof length, "Content-Length: %zu\r\n", json != NULL ? strlen(json) : 0);
    snprintf(expected, sizeof expected,
             "%sUser-Agent: test/1\r\nAccept: */*\r\nAccept-Encoding: CODINGS\r\n%s"
             "Authorization: " KEY "\r\nX-Client: c\r\n%s\r\n%s",
             rows[i][2], type, length, json != NULL ? json : "");
    assert_request(&s, i, expected);
  }
  assert_int_equal(loopback_connections(s.server), 1);
  close_scene(&s);
}

static void headers_of_one_request_stay_with_it(void **state) {
  static const cbc_field own[] = {{"X-Own", "o"}, {"X-None", ""}};
  scene s;
  (void)state;
  open_scene(&s, &fine, 1);
  describe(&s, "GET", "/");
  s.r.headers = own;
  s.r.header_count = 2;
  perform(&s);
  describe(&s, "GET", "/");
  perform(&s);
  assert_non_null(strstr(loopback_request(s.server, 0), "\r\nX-Own: o\r\nX-None:\r\n"));
  assert_null(strstr(loopback_request(s.server, 1), "X-Own"));
  assert_non_null(strstr(loopback_request(s.server, 1), "\r\nAuthorization: " KEY "\r\n"));
  close_scene(&s);
}

static void a_large_body_is_sent_without_asking_first(void **state) {
  static char json[20000];
  scene s;
  (void)state;
  memset(json, '1', sizeof json - 1);
  open_scene(&s, &fine, 1);
  describe(&s, "POST", "/");
  with_json(&s, json);
  assert_int_equal(perform(&s)->status, 200);
  assert_null(strstr(loopback_request(s.server, 0), "Expect"));
  assert_non_null(strstr(loopback_request(s.server, 0), json));
  close_scene(&s);
}

/* ==== What comes back ================================================= */

static void a_reply_has_status_headers_and_body(void **state) {
  const struct curl_header *h = NULL;
  int count = 0;
  scene s;
  (void)state;
  open_scene(&s, &hello, 1);
  describe(&s, "GET", "/");
  assert_int_equal(perform(&s)->status, 200);
  assert_true(cbc_transfer_reply(s.x)->sent);
  assert_true(cbc_transfer_reply(s.x)->retry_after == -1);
  assert_body(&s, "hello");
  assert_string_equal(cbc_transfer_header(s.x, "content-length"), "5");
  assert_string_equal(cbc_transfer_header(s.x, "X-A"), "2");
  assert_null(cbc_transfer_header(s.x, "X-B"));
  while ((h = cbc_transfer_next_header(s.x, h)) != NULL)
    count++;
  assert_int_equal(count, 3);
  close_scene(&s);
}

static void retry_after_is_read(void **state) {
  static const loopback_step steps[] = {
      {"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\nRetry-After: 7\r\n\r\n", LOOPBACK_KEEP},
      {"HTTP/1.1 503 Later\r\nContent-Length: 0\r\nRetry-After: Thu, 01 Jan 2026 00:00:09 GMT\r\n"
       "\r\n",
       LOOPBACK_KEEP},
      {"HTTP/1.1 503 Later\r\nContent-Length: 0\r\nRetry-After: whenever\r\n\r\n", LOOPBACK_KEEP}};
  scene s;
  (void)state;
  open_scene(&s, steps, 3);
  describe(&s, "GET", "/");
  assert_true(testenv_same(perform(&s)->retry_after, 7));
  assert_true(testenv_same(perform(&s)->retry_after, 9));
  assert_true(testenv_same(perform(&s)->retry_after, -1));
  close_scene(&s);
}

static void a_reply_over_the_limit_is_broken_off(void **state) {
  static char big[3000];
  const loopback_step step = {big, LOOPBACK_KEEP};
  int head = snprintf(big, sizeof big, "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n");
  scene s;
  (void)state;
  memset(big + head, 'x', 1001);
  big[head + 1001] = '\0';
  open_scene(&s, &step, 1);
  describe(&s, "GET", "/");
  assert_int_equal(perform(&s)->status, 0);
  assert_true(cbc_transfer_reply(s.x)->too_large);
  assert_true(cbc_transfer_reply(s.x)->sent);
  assert_string_equal(cbc_transfer_reply(s.x)->error.message,
                      "the reply has more than 1000 bytes (maxResponseBytes)");
  close_scene(&s);
}

static void a_reply_that_does_not_come_whole_is_none(void **state) {
  static const struct {
    loopback_step step;
    const char *message;
  } rows[] = {
      {{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", LOOPBACK_CLOSE}, "truncated"},
      {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel", LOOPBACK_CLOSE}, ""},
      {{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", LOOPBACK_RESET}, ""},
      {{"HTTP/1.1 200 O", LOOPBACK_CLOSE}, ""},
      {{"nonsense\r\n\r\n", LOOPBACK_CLOSE}, ""},
      {{NULL, LOOPBACK_RESET}, ""},
      {{NULL, LOOPBACK_CLOSE}, ""}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    scene s;
    open_scene(&s, &rows[i].step, 1);
    describe(&s, "POST", "/");
    start(&s, PATIENCE, true);
    wait_until(&s, cbc_transfer_done);
    assert_int_equal(cbc_transfer_reply(s.x)->status, 0);
    assert_true(cbc_transfer_reply(s.x)->sent);
    assert_int_equal(cbc_transfer_reply(s.x)->error.code, CBC_ETRANSPORT);
    assert_non_null(strstr(cbc_transfer_reply(s.x)->error.message, rows[i].message));
    assert_int_equal(loopback_requests(s.server), 1);
    close_scene(&s);
  }
}

static void a_reply_that_hangs_times_out(void **state) {
  static const loopback_step step = {"HTTP/1.1 200 OK\r\n", LOOPBACK_HANG};
  double begun;
  scene s;
  (void)state;
  open_scene(&s, &step, 1);
  describe(&s, "GET", "/");
  begun = s.t.env.now(&s.t);
  start(&s, 0.2, false);
  wait_until(&s, cbc_transfer_done);
  assert_in_range((unsigned)((s.t.env.now(&s.t) - begun) * 1000), 199, 3000);
  assert_int_equal(cbc_transfer_reply(s.x)->status, 0);
  assert_true(cbc_transfer_reply(s.x)->sent);
  assert_memory_equal(cbc_transfer_reply(s.x)->error.message, "time-out: ", 10);
  close_scene(&s);
}

static void a_refused_connection_is_unsent(void **state) {
  scene s;
  (void)state;
  open_scene(&s, &fine, 1);
  describe(&s, "GET", "/");
  loopback_stop(s.server);
  s.server = NULL;
  assert_int_equal(perform(&s)->status, 0);
  assert_false(cbc_transfer_reply(s.x)->sent);
  assert_int_equal(cbc_transfer_reply(s.x)->error.code, CBC_ETRANSPORT);
  close_scene(&s);
}

/* ==== Once ============================================================ */

/* The second request meets a connection that is closed without a reply: libcurl
** takes it for one that had been dead before, and would send again. */
static const loopback_step dies_in_the_second[] = {
    {OK_EMPTY, LOOPBACK_KEEP}, {NULL, LOOPBACK_CLOSE}, {OK_EMPTY, LOOPBACK_KEEP}};

static void what_must_be_sent_once_is_sent_once(void **state) {
  scene s;
  (void)state;
  open_scene(&s, dies_in_the_second, 3);
  describe(&s, "POST", "/first");
  perform(&s);
  describe(&s, "POST", "/second");
  start(&s, PATIENCE, true);
  wait_until(&s, cbc_transfer_done);
  assert_int_equal(cbc_transfer_reply(s.x)->status, 0);
  assert_true(cbc_transfer_reply(s.x)->sent);
  assert_int_equal(loopback_requests(s.server), 2);
  close_scene(&s);
}

static void anything_else_may_be_sent_again_by_libcurl(void **state) {
  scene s;
  (void)state;
  open_scene(&s, dies_in_the_second, 3);
  describe(&s, "GET", "/first");
  perform(&s);
  assert_int_equal(perform(&s)->status, 200);
  assert_int_equal(loopback_requests(s.server), 3);
  close_scene(&s);
}

/* ==== Streams ========================================================= */

static bool has_piece(const cbc_transfer *x) {
  return cbc_transfer_done(x) || cbc_transfer_streaming(x);
}

static void a_streamed_body_is_not_bounded_and_comes_in_pieces(void **state) {
  enum { SIZE = 1500000 };
  char *big = test_malloc(SIZE + 200);
  size_t got = 0, pieces = 0;
  int head = snprintf(big, 200, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", SIZE);
  const loopback_step step = {big, LOOPBACK_KEEP};
  scene s;
  (void)state;
  for (int i = 0; i < SIZE; i++)
    big[head + i] = (char)('a' + i % 26);
  big[head + SIZE] = '\0';
  open_scene(&s, &step, 1);
  describe(&s, "GET", "/");
  s.r.stream = true;
  start(&s, PATIENCE, false);
  while (got < SIZE) {
    cbc_buffer *piece = &cbc_transfer_reply(s.x)->body;
    wait_until(&s, has_piece);
    assert_true(piece->size > 0 && got + piece->size <= SIZE);
    assert_true(piece->size < SIZE / 2);
    assert_memory_equal(piece->data, big + head + got, piece->size);
    got += piece->size;
    pieces++;
    cbc_buffer_reset(piece, SIZE);
    assert_int_equal(cbc_transfer_resume(s.x, &s.err), CBC_OK);
  }
  wait_until(&s, cbc_transfer_done);
  assert_int_equal(cbc_transfer_reply(s.x)->status, 200);
  assert_true(pieces > 2);
  test_free(big);
  close_scene(&s);
}

static void an_error_is_collected_even_where_a_stream_was_asked_for(void **state) {
  static const loopback_step step = {"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\n{}",
                                     LOOPBACK_KEEP};
  scene s;
  (void)state;
  open_scene(&s, &step, 1);
  describe(&s, "GET", "/");
  s.r.stream = true;
  assert_int_equal(perform(&s)->status, 404);
  assert_false(cbc_transfer_streaming(s.x));
  assert_body(&s, "{}");
  close_scene(&s);
}

/* ==== Ends ============================================================ */

static bool is_sent(const cbc_transfer *x) {
  return cbc_transfer_done(x) || cbc_transfer_sent(x);
}

static void a_transfer_that_is_stopped_stays_sent_and_can_start_again(void **state) {
  static const loopback_step steps[] = {{NULL, LOOPBACK_HANG}, {OK_HELLO, LOOPBACK_KEEP}};
  scene s;
  (void)state;
  open_scene(&s, steps, 2);
  describe(&s, "GET", "/");
  start(&s, PATIENCE, true);
  wait_until(&s, is_sent);
  while (loopback_requests(s.server) == 0)
    assert_int_equal(cbc_transport_wait(s.transport, 0.01, &s.err), CBC_OK);
  cbc_transfer_stop(s.x);
  assert_true(cbc_transfer_done(s.x) && cbc_transfer_sent(s.x));
  assert_int_equal(perform(&s)->status, 200);
  assert_body(&s, "hello");
  close_scene(&s);
}

static void an_orphan_outlives_its_transport(void **state) {
  scene s;
  (void)state;
  open_scene(&s, &hello, 1);
  describe(&s, "GET", "/");
  perform(&s);
  cbc_transfer_orphan(s.x);
  cbc_transfer_orphan(NULL);
  cbc_transport_free(s.transport);
  s.transport = NULL;
  assert_body(&s, "hello");
  cbc_transfer_release(s.x);
  s.x = NULL;
  close_scene(&s);
}

static void released_transfers_are_used_again(void **state) {
  cbc_transfer *first;
  scene s;
  (void)state;
  open_scene(&s, &hello, 1);
  first = s.x;
  cbc_transfer_release(s.x);
  s.x = cbc_transfer_acquire(s.transport, &s.err);
  assert_ptr_equal(s.x, first);
  cbc_transfer_release(NULL);
  close_scene(&s);
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
    open_scene(&s, &hello, 1);
    testenv_fail(&s.t, n, n % 2 == 0);
    describe(&s, "POST", "/some/path");
    with_json(&s, "{}");
    s.r.headers = &own;
    s.r.header_count = 1;
    rc = cbc_transfer_start(s.x, &s.r, 5, true, &s.err);
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
    describe(&s, "GET", "/");
    assert_int_equal(perform(&s)->status, 200);
    close_scene(&s);
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
      cmocka_unit_test(a_reply_has_status_headers_and_body),
      cmocka_unit_test(retry_after_is_read),
      cmocka_unit_test(a_reply_over_the_limit_is_broken_off),
      cmocka_unit_test(a_reply_that_does_not_come_whole_is_none),
      cmocka_unit_test(a_reply_that_hangs_times_out),
      cmocka_unit_test(a_refused_connection_is_unsent),
      cmocka_unit_test(what_must_be_sent_once_is_sent_once),
      cmocka_unit_test(anything_else_may_be_sent_again_by_libcurl),
      cmocka_unit_test(a_streamed_body_is_not_bounded_and_comes_in_pieces),
      cmocka_unit_test(an_error_is_collected_even_where_a_stream_was_asked_for),
      cmocka_unit_test(a_transfer_that_is_stopped_stays_sent_and_can_start_again),
      cmocka_unit_test(an_orphan_outlives_its_transport),
      cmocka_unit_test(released_transfers_are_used_again),
      cmocka_unit_test(memory_that_ends_at_any_allocation_is_told)};
  return cmocka_run_group_tests_name("cbc_transfer", tests, NULL, NULL);
}
