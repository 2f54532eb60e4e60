/*
** cbc_receive_test.c - what comes back on the wire, and whether it is whole, against
** a server that says what it is told to.
*/
#include "scene.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello"

static const loopback_step hello = {OK_HELLO, LOOPBACK_KEEP};

/* ==== Head and body =================================================== */

static void a_reply_has_status_headers_and_body(void **state) {
  const struct curl_header *h = NULL;
  int count = 0;
  scene s;
  (void)state;
  scene_open(&s, &hello, 1);
  scene_describe(&s, "GET", "/");
  assert_int_equal(scene_perform(&s)->status, 200);
  assert_true(cbc_transfer_reply(s.x)->sent);
  assert_true(cbc_transfer_reply(s.x)->retry_after == -1);
  scene_assert_body(&s, "hello");
  assert_string_equal(cbc_transfer_header(s.x, "content-length"), "5");
  assert_string_equal(cbc_transfer_header(s.x, "X-A"), "2");
  assert_null(cbc_transfer_header(s.x, "X-B"));
  while ((h = cbc_transfer_next_header(s.x, h)) != NULL)
    count++;
  assert_int_equal(count, 3);
  scene_close(&s);
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
  scene_open(&s, steps, 3);
  scene_describe(&s, "GET", "/");
  assert_true(testenv_same(scene_perform(&s)->retry_after, 7));
  assert_true(testenv_same(scene_perform(&s)->retry_after, 9));
  assert_true(testenv_same(scene_perform(&s)->retry_after, -1));
  scene_close(&s);
}

/* ==== Trailers ======================================================== */

static void trailers_are_no_part_of_the_head(void **state) {
  static const loopback_step step = {
      "HTTP/1.1 503 Later\r\nTransfer-Encoding: chunked\r\nX-Head: h\r\n\r\n"
      "2\r\n{}\r\n0\r\nRetry-After: 7\r\nContent-Range: items 0-0/9\r\nX-Head: t\r\n\r\n",
      LOOPBACK_KEEP};
  const struct curl_header *h = NULL;
  scene s;
  (void)state;
  scene_open(&s, &step, 1);
  scene_describe(&s, "GET", "/");
  for (int i = 0; i < 2; i++) {
    assert_int_equal(scene_perform(&s)->status, 503);
    scene_assert_body(&s, "{}");
    assert_true(cbc_transfer_reply(s.x)->retry_after == -1);
    assert_null(cbc_transfer_header(s.x, "Retry-After"));
    assert_null(cbc_transfer_header(s.x, "Content-Range"));
    assert_string_equal(cbc_transfer_header(s.x, "X-Head"), "h");
  }
  while ((h = cbc_transfer_next_header(s.x, h)) != NULL)
    assert_string_not_equal(h->name, "Retry-After");
  assert_int_equal(loopback_connections(s.server), 1);
  scene_close(&s);
}

/* An interim reply has a head of its own, and the one that counts can still break
** off. */
static void a_head_behind_an_interim_reply_must_be_whole(void **state) {
  static const loopback_step steps[] = {
      {"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" OK_HELLO, LOOPBACK_KEEP},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-A: 1\r\n", LOOPBACK_CLOSE}};
  scene s;
  (void)state;
  scene_open(&s, steps, 2);
  scene_describe(&s, "GET", "/");
  assert_int_equal(scene_perform(&s)->status, 200);
  scene_assert_body(&s, "hello");
  scene_start(&s, PATIENCE, true);
  scene_wait(&s, cbc_transfer_done);
  assert_int_equal(cbc_transfer_reply(s.x)->status, 0);
  scene_close(&s);
}

/* ==== Size ============================================================ */

#define ROOM 8192

/* Makes a reply of so many bytes, its body of that many; the rest is in a header,
** or in a trailer. "%.*d" of 0 writes so many zeros. */
static void make_reply(char to[ROOM], size_t size, size_t body, bool trailer) {
  for (int rest = 0; rest < 4096; rest++) {
    if (trailer)
      snprintf(to, ROOM,
               "HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\n"
               "%zx\r\n%.*d\r\n0\r\nX: %.*d\r\n\r\n",
               body, (int)body, 0, rest, 0);
    else
      snprintf(to, ROOM, "HTTP/1.1 400 No\r\nContent-Length: %zu\r\nX: %.*d\r\n\r\n%.*d", body,
               rest, 0, (int)body, 0);
    if (strlen(to) == size) return;
  }
  fail_msg("no reply of %zu bytes", size);
}

/* What chunks add around a body of 100 bytes, and the empty line behind trailers:
** libcurl keeps them for itself. */
#define CHUNKING (strlen("64\r\n\r\n0\r\n") + strlen("\r\n"))

static void a_reply_may_have_as_many_bytes_as_the_limit_and_no_more(void **state) {
  static const struct {
    size_t size, body;
    bool trailer;
    int status;
  } rows[] = {{SCENE_MOST, 900, false, 400}, {SCENE_MOST + 1, 900, false, 0},
              {SCENE_MOST, 0, false, 400},   {SCENE_MOST + 1, 0, false, 0},
              {SCENE_MOST, 100, true, 400},  {SCENE_MOST + CHUNKING + 1, 100, true, 0}};
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    char bytes[ROOM];
    const loopback_step step = {bytes, LOOPBACK_KEEP};
    scene s;
    make_reply(bytes, rows[i].size, rows[i].body, rows[i].trailer);
    scene_open(&s, &step, 1);
    scene_describe(&s, "GET", "/");
    assert_int_equal(scene_perform(&s)->status, rows[i].status);
    assert_int_equal(cbc_transfer_reply(s.x)->too_large, rows[i].status == 0);
    assert_true(cbc_transfer_reply(s.x)->sent);
    if (rows[i].status == 0)
      assert_string_equal(cbc_transfer_reply(s.x)->error.message,
                          "the reply has more than 1000 bytes (maxResponseBytes)");
    scene_close(&s);
  }
}

/* Its body is not, taken or not. */
static void head_and_trailers_of_a_stream_are_bounded(void **state) {
  static const struct {
    size_t size, body;
    bool trailer;
    int status;
  } rows[] = {{3000, 1500, false, 0},
              {3000, 1500, true, 0},
              {3000, 2500, false, 200},
              {3000, 2500, true, 200}};
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    char bytes[ROOM];
    const loopback_step step = {bytes, LOOPBACK_KEEP};
    scene s;
    make_reply(bytes, rows[i].size, rows[i].body, rows[i].trailer);
    memcpy(bytes, "HTTP/1.1 200", strlen("HTTP/1.1 200"));
    scene_open(&s, &step, 1);
    scene_describe(&s, "GET", "/");
    s.r.stream = true;
    assert_int_equal(scene_perform(&s)->status, rows[i].status);
    assert_int_equal(cbc_transfer_reply(s.x)->too_large, rows[i].status == 0);
    scene_close(&s);
  }
}

/* ==== Wholeness ======================================================= */

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
    scene_open(&s, &rows[i].step, 1);
    scene_describe(&s, "POST", "/");
    scene_start(&s, PATIENCE, true);
    scene_wait(&s, cbc_transfer_done);
    assert_int_equal(cbc_transfer_reply(s.x)->status, 0);
    assert_true(cbc_transfer_reply(s.x)->sent);
    assert_int_equal(cbc_transfer_reply(s.x)->error.code, CBC_ETRANSPORT);
    assert_non_null(strstr(cbc_transfer_reply(s.x)->error.message, rows[i].message));
    assert_int_equal(loopback_requests(s.server), 1);
    scene_close(&s);
  }
}

static void a_reply_that_hangs_times_out(void **state) {
  static const loopback_step step = {"HTTP/1.1 200 OK\r\n", LOOPBACK_HANG};
  double begun;
  scene s;
  (void)state;
  scene_open(&s, &step, 1);
  scene_describe(&s, "GET", "/");
  begun = s.t.env.now(&s.t);
  scene_start(&s, 0.2, false);
  scene_wait(&s, cbc_transfer_done);
  assert_in_range((unsigned)((s.t.env.now(&s.t) - begun) * 1000), 199, 3000);
  assert_int_equal(cbc_transfer_reply(s.x)->status, 0);
  assert_true(cbc_transfer_reply(s.x)->sent);
  assert_memory_equal(cbc_transfer_reply(s.x)->error.message, "timeout: ", 9);
  scene_close(&s);
}

/* How sure one has to be of the body. */
typedef enum demand { COLLECT, WHOLE, STREAM } demand;

static bool is_collected(const cbc_transfer *x) {
  return cbc_transfer_done(x) || cbc_transfer_streaming(x);
}

#define OK "HTTP/1.1 200 OK\r\n"
#define UNFRAMED "neither Content-Length nor chunks"
#define COMPRESSED "it is compressed, which was not asked for"

static void what_only_the_connections_end_frames_is_whole_where_it_shows_that(void **state) {
  static const struct {
    const char *reply;
    demand demand;
    const char *problem; /* NULL: it is taken */
  } rows[] = {
      {OK "\r\n{\"a\":1}", COLLECT, NULL},
      {OK "\r\n[1] \r\n\t", COLLECT, NULL},
      {OK "\r\n", COLLECT, NULL},
      {OK "\r\n12", COLLECT, UNFRAMED},
      {OK "\r\n\"a\"", COLLECT, UNFRAMED},
      {OK "\r\n  ", COLLECT, NULL},
      {"HTTP/1.1 404 No\r\n\r\n<html>", COLLECT, NULL},
      {"HTTP/1.1 302 Go\r\n\r\n<html>", COLLECT, NULL},
      {OK "Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n12", COLLECT, UNFRAMED},
      {OK "\r\n{\"a\":1}", WHOLE, UNFRAMED},
      {OK "\r\n{\"a\":1}", STREAM, UNFRAMED},
      {OK "\r\n", WHOLE, UNFRAMED},
      {OK "\r\n", STREAM, UNFRAMED},
      {OK "Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n12", WHOLE, UNFRAMED},
      {"HTTP/1.1 404 No\r\n\r\n<html>", WHOLE, NULL},
      {"HTTP/1.1 404 No\r\n\r\n<html>", STREAM, NULL},
      {"HTTP/1.1 204 No\r\n\r\n", WHOLE, NULL},
      {OK "Content-Length: 2\r\n\r\n12", WHOLE, NULL},
      {OK "Content-Length: 2\r\n\r\n12", STREAM, NULL},
      {OK "Content-Length: 0\r\n\r\n", STREAM, NULL},
      {OK "Transfer-Encoding: Chunked \r\n\r\n2\r\n12\r\n0\r\n\r\n", WHOLE, NULL},
      {OK "Transfer-Encoding: chunked\r\n\r\n2\r\n12\r\n0\r\n\r\n", STREAM, NULL},
      {OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n2\r\n12\r\n0\r\n\r\n",
       WHOLE, UNFRAMED},
      {OK "Content-Length: 2\r\nContent-Encoding: identity\r\n\r\n12", STREAM, NULL},
      {OK "Content-Length: 2\r\nContent-Encoding: deflate\r\n\r\n\x78\x9c", WHOLE, COMPRESSED}};
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    const loopback_step step = {rows[i].reply, LOOPBACK_CLOSE};
    cbc_reply *reply;
    scene s;
    scene_open(&s, &step, 1);
    scene_describe(&s, "GET", "/");
    s.r.whole = rows[i].demand == WHOLE;
    s.r.stream = rows[i].demand == STREAM;
    scene_start(&s, PATIENCE, true);
    scene_wait(&s, is_collected);
    scene_wait(&s, cbc_transfer_done);
    reply = cbc_transfer_reply(s.x);
    if ((reply->status != 0) != (rows[i].problem == NULL) ||
        (rows[i].problem != NULL && strstr(reply->error.message, rows[i].problem) == NULL))
      fail_msg("%zu: %s: %d %s", i, rows[i].reply, reply->status, reply->error.message);
    assert_true(reply->sent);
    scene_close(&s);
  }
}

/* One stored block: "hello", its trailer (checksum and length) still to come. */
#define GZIP_HELLO "\x1f\x8b\x08\x01\x01\x01\x01\x01\x01\x03\xcb\x48\xcd\xc9\xc9\x07\x01"

static void no_bytes_of_a_compressed_file_are_handed_over(void **state) {
  static const char *const codings[] = {"gzip", "x-gzip", "deflate", "gzip, identity"};
  (void)state;
  for (size_t i = 0; i < COUNT(codings); i++) {
    char bytes[300];
    const loopback_step step = {bytes, LOOPBACK_CLOSE};
    scene s;
    snprintf(bytes, sizeof bytes, OK "Content-Encoding: %s\r\nContent-Length: %zu\r\n\r\n%s",
             codings[i], strlen(GZIP_HELLO), GZIP_HELLO);
    scene_open(&s, &step, 1);
    scene_describe(&s, "GET", "/");
    s.r.stream = true;
    scene_start(&s, PATIENCE, true);
    scene_wait(&s, is_collected);
    assert_true(cbc_transfer_done(s.x));
    assert_int_equal(cbc_transfer_reply(s.x)->status, 0);
    scene_close(&s);
  }
}

static void what_must_be_whole_is_not_asked_for_in_a_compression(void **state) {
  scene s;
  (void)state;
  scene_open(&s, &hello, 1);
  for (int i = 0; i < 3; i++) {
    scene_describe(&s, "GET", "/");
    s.r.whole = i == 1;
    assert_int_equal(scene_perform(&s)->status, 200);
    assert_non_null(
        strstr(loopback_request(s.server, (size_t)i),
               i == 1 ? "\r\nAccept-Encoding: identity\r\n" : "\r\nAccept-Encoding: gzip\r\n"));
  }
  scene_close(&s);
}

static void what_must_be_whole_has_the_headers_of_its_body(void **state) {
  scene s;
  const char *request;
  (void)state;
  scene_open(&s, &hello, 1);
  scene_describe(&s, "POST", "/");
  scene_json(&s, "{}");
  s.r.whole = true;
  assert_int_equal(scene_perform(&s)->status, 200);
  request = loopback_request(s.server, 0);
  assert_non_null(strstr(request, "\r\nContent-Type: application/json\r\n"));
  assert_non_null(strstr(request, "\r\nAccept-Encoding: identity\r\n"));
  assert_null(strstr(request, "gzip"));
  assert_non_null(strstr(request, "\r\nUser-Agent: test/1\r\n"));
  scene_close(&s);
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
  scene_open(&s, &step, 1);
  scene_describe(&s, "GET", "/");
  s.r.stream = true;
  scene_start(&s, PATIENCE, false);
  while (got < SIZE) {
    cbc_buffer *piece = &cbc_transfer_reply(s.x)->body;
    scene_wait(&s, has_piece);
    assert_true(piece->size > 0 && got + piece->size <= SIZE);
    assert_true(piece->size < SIZE / 2);
    assert_memory_equal(piece->data, big + head + got, piece->size);
    got += piece->size;
    pieces++;
    cbc_buffer_reset(piece, SIZE);
    assert_int_equal(cbc_transfer_resume(s.x, &s.err), CBC_OK);
  }
  scene_wait(&s, cbc_transfer_done);
  assert_int_equal(cbc_transfer_reply(s.x)->status, 200);
  assert_true(pieces > 2);
  test_free(big);
  scene_close(&s);
}

static void an_error_is_collected_even_where_a_stream_was_asked_for(void **state) {
  static const loopback_step step = {"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\n{}",
                                     LOOPBACK_KEEP};
  scene s;
  (void)state;
  scene_open(&s, &step, 1);
  scene_describe(&s, "GET", "/");
  s.r.stream = true;
  assert_int_equal(scene_perform(&s)->status, 404);
  assert_false(cbc_transfer_streaming(s.x));
  scene_assert_body(&s, "{}");
  scene_close(&s);
}

static void a_part_of_a_file_is_not_streamed(void **state) {
  static const loopback_step step = {
      "HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\n{}",
      LOOPBACK_KEEP};
  scene s;
  (void)state;
  scene_open(&s, &step, 1);
  scene_describe(&s, "GET", "/");
  s.r.stream = true;
  assert_int_equal(scene_perform(&s)->status, 206);
  assert_false(cbc_transfer_streaming(s.x));
  scene_close(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_reply_has_status_headers_and_body),
      cmocka_unit_test(retry_after_is_read),
      cmocka_unit_test(trailers_are_no_part_of_the_head),
      cmocka_unit_test(a_head_behind_an_interim_reply_must_be_whole),
      cmocka_unit_test(a_reply_may_have_as_many_bytes_as_the_limit_and_no_more),
      cmocka_unit_test(head_and_trailers_of_a_stream_are_bounded),
      cmocka_unit_test(a_reply_that_does_not_come_whole_is_none),
      cmocka_unit_test(a_reply_that_hangs_times_out),
      cmocka_unit_test(what_only_the_connections_end_frames_is_whole_where_it_shows_that),
      cmocka_unit_test(no_bytes_of_a_compressed_file_are_handed_over),
      cmocka_unit_test(what_must_be_whole_is_not_asked_for_in_a_compression),
      cmocka_unit_test(what_must_be_whole_has_the_headers_of_its_body),
      cmocka_unit_test(a_streamed_body_is_not_bounded_and_comes_in_pieces),
      cmocka_unit_test(an_error_is_collected_even_where_a_stream_was_asked_for),
      cmocka_unit_test(a_part_of_a_file_is_not_streamed)};
  return cmocka_run_group_tests_name("cbc_receive", tests, NULL, NULL);
}
