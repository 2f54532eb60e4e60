/*
** cbc_mime_test.c - multipart bodies on the wire, against a server that says what
** it is told to.
*/
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scene.h"
#include "testfolder.h"

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static const loopback_step fine = {OK_EMPTY, LOOPBACK_KEEP};

static void describe(scene *s, cbc_part part) {
  scene_describe(s, "POST", "/upload");
  s->r.body = CBC_BODY_MULTIPART;
  s->r.parts[0] = part;
  s->r.part_count = 1;
}

static void assert_received(scene *s, size_t number, const char *bytes) {
  const char *came = loopback_request(s->server, number);
  assert_non_null(came);
  assert_non_null(strstr(came, bytes));
}

/* Lets libcurl ask for the body in small pieces. */
static void read_in_pieces(scene *s) {
  assert_int_equal(curl_easy_setopt(s->x->easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L), CURLE_OK);
}

/* Bytes of which no two stretches are the same, terminated. */
static const char *long_text(void) {
  static char text[50001];
  for (int i = 0; i < 5000; i++)
    snprintf(text + 10 * i, 11, "%09d\n", i);
  return text;
}

/* The second request meets a connection that is closed without a reply: libcurl
** takes it for one that had been dead before, and sends again where it may. */
static const loopback_step dies_in_the_second[] = {
    {OK_EMPTY, LOOPBACK_KEEP}, {NULL, LOOPBACK_CLOSE}, {OK_EMPTY, LOOPBACK_KEEP}};

/* ==== Names and types ================================================= */

static void a_file_says_what_it_is(void **state) {
  static const char *const rows[][2] = {
      {"u.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
      {"U.XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
      {".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
      {"xlsx", "application/octet-stream"},
      {"u.xls", "application/octet-stream"},
      {"u.xlsx.zip", "application/octet-stream"},
      {"u", "application/octet-stream"}};
  scene s;
  (void)state;
  scene_open(&s, &fine, 1);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char head[300];
    describe(&s, (cbc_part){.name = "f", .filename = rows[i][0], .data = "abc", .data_size = 3});
    assert_int_equal(scene_perform(&s)->status, 200);
    snprintf(head, sizeof head,
             "\r\nContent-Disposition: form-data; name=\"f\"; filename=\"%s\"\r\n"
             "Content-Type: %s\r\n\r\nabc\r\n",
             rows[i][0], rows[i][1]);
    assert_received(&s, i, head);
  }
  scene_close(&s);
}

static void a_plain_field_has_neither_file_name_nor_type(void **state) {
  scene s;
  (void)state;
  scene_open(&s, &fine, 1);
  describe(&s, (cbc_part){.name = "note", .data = "n", .data_size = 1});
  assert_int_equal(scene_perform(&s)->status, 200);
  assert_received(&s, 0, "\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nn\r\n");
  scene_close(&s);
}

/* ==== Parts in memory ================================================= */

static void a_part_in_memory_is_sent_with_its_size(void **state) {
  scene s;
  (void)state;
  scene_open(&s, &fine, 1);
  describe(&s,
           (cbc_part){.name = "usage_file", .filename = "u.xlsx", .data = "abc", .data_size = 3});
  s.r.parts[1] = (cbc_part){.name = "note", .data = "n", .data_size = 1};
  s.r.part_count = 2;
  assert_int_equal(scene_perform(&s)->status, 200);
  assert_received(&s, 0, "Content-Type: multipart/form-data; b");
  assert_received(&s, 0, "Content-Length: ");
  assert_received(&s, 0,
                  "Content-Disposition: form-data; name=\"usage_file\"; filename=\"u.xlsx\"\r\n");
  assert_received(&s, 0, "\r\n\r\nabc\r\n");
  assert_received(&s, 0, "name=\"note\"\r\n\r\nn\r\n");
  scene_close(&s);
}

static void a_large_part_in_memory_is_sent_whole(void **state) {
  scene s;
  (void)state;
  scene_open(&s, &fine, 1);
  read_in_pieces(&s);
  describe(&s, (cbc_part){.name = "f", .data = long_text(), .data_size = strlen(long_text())});
  assert_int_equal(scene_perform(&s)->status, 200);
  assert_received(&s, 0, long_text());
  scene_close(&s);
}

static void libcurl_sends_it_again_from_its_start(void **state) {
  scene s;
  (void)state;
  scene_open(&s, dies_in_the_second, 3);
  describe(&s, (cbc_part){.name = "f", .data = "abc", .data_size = 3});
  assert_int_equal(scene_perform(&s)->status, 200);
  assert_int_equal(scene_perform(&s)->status, 200);
  assert_int_equal(loopback_requests(s.server), 3);
  for (size_t i = 0; i < 3; i++)
    assert_received(&s, i, "\r\n\r\nabc\r\n--");
  scene_close(&s);
}

/* ==== Feeds =========================================================== */

static bool is_hungry(const cbc_transfer *x) {
  return cbc_transfer_done(x) || x->request->parts[0].feed->hungry;
}

static void a_fed_part_arrives_piece_by_piece(void **state) {
  static const char *const pieces[] = {"one ", "two ", "three"};
  cbc_feed feed;
  cbc_progress progress;
  scene s;
  (void)state;
  scene_open(&s, &fine, 1);
  cbc_feed_init(&feed, &s.t.env);
  describe(&s, (cbc_part){.name = "f", .filename = "f", .feed = &feed});
  scene_start(&s, PATIENCE, true);
  for (size_t i = 0; i < 4; i++) {
    scene_wait(&s, is_hungry);
    assert_false(cbc_transfer_done(s.x));
    if (i < 3)
      cbc_buffer_adds(&feed.gathered, pieces[i]);
    else
      feed.ended = true;
    feed.hungry = false;
    assert_int_equal(cbc_transfer_resume(s.x, &s.err), CBC_OK);
  }
  scene_wait(&s, cbc_transfer_done);
  assert_int_equal(cbc_transfer_reply(s.x)->status, 200);
  assert_received(&s, 0, "three");
  cbc_transfer_progress(s.x, &progress);
  assert_true(progress.sent > 13);
  cbc_feed_free(&feed);
  scene_close(&s);
}

/* A body that is longer than what libcurl asks for at once. */
static void what_a_feed_borrows_arrives_whole(void **state) {
  cbc_feed feed;
  scene s;
  (void)state;
  scene_open(&s, &fine, 1);
  read_in_pieces(&s);
  cbc_feed_init(&feed, &s.t.env);
  cbc_buffer_adds(&feed.gathered, "first ");
  feed.borrowed = long_text();
  feed.borrowed_size = strlen(long_text());
  feed.ended = true;
  describe(&s, (cbc_part){.name = "f", .filename = "f", .feed = &feed});
  assert_int_equal(scene_perform(&s)->status, 200);
  assert_int_equal(cbc_feed_size(&feed), 0);
  assert_received(&s, 0, "first ");
  assert_received(&s, 0, "000000000\n");
  assert_received(&s, 0, "000004999\n\r\n");
  cbc_feed_free(&feed);
  scene_close(&s);
}

static void a_feed_of_one_byte_is_sent(void **state) {
  cbc_feed feed;
  scene s;
  (void)state;
  scene_open(&s, &fine, 1);
  cbc_feed_init(&feed, &s.t.env);
  cbc_buffer_adds(&feed.gathered, "x");
  describe(&s, (cbc_part){.name = "f", .filename = "f", .feed = &feed});
  scene_start(&s, PATIENCE, true);
  scene_wait(&s, is_hungry);
  assert_int_equal(cbc_feed_size(&feed), 0);
  feed.ended = true;
  feed.hungry = false;
  assert_int_equal(cbc_transfer_resume(s.x, &s.err), CBC_OK);
  scene_wait(&s, cbc_transfer_done);
  assert_received(&s, 0, "x\r\n");
  cbc_feed_free(&feed);
  scene_close(&s);
}

/* What is lost with it is not to be missing in a body that seems whole. */
static void a_feed_that_is_freed_breaks_the_request_off(void **state) {
  cbc_feed feed;
  scene s;
  (void)state;
  scene_open(&s, &fine, 1);
  cbc_feed_init(&feed, &s.t.env);
  cbc_buffer_adds(&feed.gathered, "some");
  describe(&s, (cbc_part){.name = "f", .filename = "f", .feed = &feed});
  scene_start(&s, PATIENCE, true);
  scene_wait(&s, is_hungry);
  assert_false(cbc_transfer_done(s.x));
  cbc_feed_free(&feed);
  feed.ended = true;
  assert_int_equal(cbc_transfer_resume(s.x, &s.err), CBC_OK);
  scene_wait(&s, cbc_transfer_done);
  assert_int_equal(cbc_transfer_reply(s.x)->status, 0);
  assert_true(cbc_transfer_reply(s.x)->sent);
  scene_close(&s);
}

/* Its bytes were there once. */
static void what_a_feed_gave_is_not_sent_again_by_libcurl(void **state) {
  cbc_feed feed;
  scene s;
  (void)state;
  scene_open(&s, dies_in_the_second, 3);
  describe(&s, (cbc_part){.name = "f", .data = "abc", .data_size = 3});
  assert_int_equal(scene_perform(&s)->status, 200);
  cbc_feed_init(&feed, &s.t.env);
  cbc_buffer_adds(&feed.gathered, "first ");
  feed.ended = true;
  describe(&s, (cbc_part){.name = "f", .filename = "f", .feed = &feed});
  assert_int_equal(scene_perform(&s)->status, 0);
  assert_int_equal(loopback_requests(s.server), 2);
  cbc_feed_free(&feed);
  scene_close(&s);
}

/* ==== Files =========================================================== */

static const cbc_part file = {.name = "f", .filename = "u.xlsx", .path = "in.xlsx"};

static void a_file_is_sent_under_the_name_and_size_it_has(void **state) {
  scene s;
  (void)state;
  scene_open(&s, &fine, 1);
  testfolder_put("in.xlsx", "the bytes");
  describe(&s, file);
  assert_int_equal(scene_perform(&s)->status, 200);
  assert_received(&s, 0, "name=\"f\"; filename=\"u.xlsx\"\r\n");
  assert_received(&s, 0, "\r\n\r\nthe bytes\r\n");
  assert_received(&s, 0, "Content-Length: ");
  assert_null(strstr(loopback_request(s.server, 0), "chunked"));
  scene_close(&s);
}

static void a_large_one_is_sent_whole(void **state) {
  scene s;
  (void)state;
  scene_open(&s, &fine, 1);
  read_in_pieces(&s);
  testfolder_put("in.xlsx", long_text());
  describe(&s, file);
  assert_int_equal(scene_perform(&s)->status, 200);
  assert_received(&s, 0, long_text());
  scene_close(&s);
}

static void libcurl_sends_a_file_again_from_its_start(void **state) {
  scene s;
  (void)state;
  scene_open(&s, dies_in_the_second, 3);
  testfolder_put("in.xlsx", "the bytes");
  describe(&s, file);
  assert_int_equal(scene_perform(&s)->status, 200);
  assert_int_equal(scene_perform(&s)->status, 200);
  assert_int_equal(loopback_requests(s.server), 3);
  for (size_t i = 0; i < 3; i++)
    assert_received(&s, i, "\r\n\r\nthe bytes\r\n--");
  scene_close(&s);
}

static void each_attempt_sends_it_as_it_is_then(void **state) {
  scene s;
  (void)state;
  scene_open(&s, &fine, 1);
  testfolder_put("in.xlsx", "the first");
  describe(&s, file);
  assert_int_equal(scene_perform(&s)->status, 200);
  testfolder_put("in.xlsx", "a longer second");
  assert_int_equal(scene_perform(&s)->status, 200);
  assert_received(&s, 0, "\r\n\r\nthe first\r\n");
  assert_received(&s, 1, "\r\n\r\na longer second\r\n");
  scene_close(&s);
}

/* Only the size when it began was announced. */
static void what_it_gets_meanwhile_is_not_sent(void **state) {
  scene s;
  (void)state;
  scene_open(&s, &fine, 1);
  testfolder_put("in.xlsx", "announced");
  describe(&s, file);
  scene_start(&s, PATIENCE, true);
  testfolder_put("in.xlsx", "announced, and GET / HTTP/1.1");
  scene_wait(&s, cbc_transfer_done);
  assert_int_equal(cbc_transfer_reply(s.x)->status, 200);
  assert_received(&s, 0, "\r\n\r\nannounced\r\n--");
  assert_int_equal(scene_perform(&s)->status, 200);
  assert_int_equal(loopback_requests(s.server), 2);
  assert_int_equal(loopback_connections(s.server), 1);
  scene_close(&s);
}

static void one_that_loses_bytes_ends_the_transfer_and_its_connection(void **state) {
  cbc_reply *reply;
  scene s;
  (void)state;
  scene_open(&s, &fine, 1);
  testfolder_put("in.xlsx", "announced");
  describe(&s, file);
  scene_start(&s, PATIENCE, true);
  assert_int_equal(truncate("in.xlsx", 2), 0);
  scene_wait(&s, cbc_transfer_done);
  reply = cbc_transfer_reply(s.x);
  assert_int_equal(reply->status, 0);
  assert_true(reply->sent);
  assert_int_equal(reply->error.code, CBC_EFILE);
  assert_string_equal(reply->error.message,
                      "can't read 'in.xlsx': it became shorter while it was sent, 7 of its 9 bytes "
                      "are missing");
  assert_int_equal(scene_perform(&s)->status, 200);
  assert_int_equal(loopback_requests(s.server), 1);
  assert_int_equal(loopback_connections(s.server), 2);
  scene_close(&s);
}

static void one_that_is_not_there_is_reported_before_anything_is_sent(void **state) {
  scene s;
  (void)state;
  scene_open(&s, &fine, 1);
  describe(&s, file);
  assert_int_equal(cbc_transfer_start(s.x, &s.r, s.t.env.now(&s.t), 5, true, NULL, &s.err),
                   CBC_EFILE);
  assert_int_equal(s.err.code, CBC_EFILE);
  assert_string_equal(s.err.message, "can't read 'in.xlsx': No such file or directory");
  assert_true(cbc_transfer_done(s.x));
  assert_false(cbc_transfer_reply(s.x)->sent);
  assert_int_equal(cbc_transfer_reply(s.x)->status, 0);
  assert_int_equal(loopback_requests(s.server), 0);
  /* The transfer is as good as before. */
  testfolder_put("in.xlsx", "now");
  assert_int_equal(scene_perform(&s)->status, 200);
  scene_close(&s);
}

/* The folder's end finds a descriptor that was left open. */
static void it_is_closed_when_the_transfer_is_stopped(void **state) {
  scene s;
  (void)state;
  scene_open(&s, &fine, 1);
  testfolder_put("in.xlsx", "announced");
  describe(&s, file);
  scene_start(&s, PATIENCE, true);
  cbc_transfer_stop(s.x);
  assert_int_equal(scene_perform(&s)->status, 200);
  scene_close(&s);
}

static void memory_that_ends_at_any_allocation_is_reported(void **state) {
  bool failed = true;
  (void)state;
  testfolder_put("in.xlsx", "announced");
  for (size_t n = 1; failed; n++) {
    scene s;
    cbc_code rc;
    scene_open(&s, &fine, 1);
    testenv_fail(&s.t, n, n % 2 == 0);
    describe(&s, file);
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
    assert_true(failed || n > 2);
    scene_close(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_file_says_what_it_is),
      cmocka_unit_test(a_plain_field_has_neither_file_name_nor_type),
      cmocka_unit_test(a_part_in_memory_is_sent_with_its_size),
      cmocka_unit_test(a_large_part_in_memory_is_sent_whole),
      cmocka_unit_test(libcurl_sends_it_again_from_its_start),
      cmocka_unit_test(a_fed_part_arrives_piece_by_piece),
      cmocka_unit_test(what_a_feed_borrows_arrives_whole),
      cmocka_unit_test(a_feed_of_one_byte_is_sent),
      cmocka_unit_test(a_feed_that_is_freed_breaks_the_request_off),
      cmocka_unit_test(what_a_feed_gave_is_not_sent_again_by_libcurl),
      IN_FOLDER(a_file_is_sent_under_the_name_and_size_it_has),
      IN_FOLDER(a_large_one_is_sent_whole),
      IN_FOLDER(libcurl_sends_a_file_again_from_its_start),
      IN_FOLDER(each_attempt_sends_it_as_it_is_then),
      IN_FOLDER(what_it_gets_meanwhile_is_not_sent),
      IN_FOLDER(one_that_loses_bytes_ends_the_transfer_and_its_connection),
      IN_FOLDER(one_that_is_not_there_is_reported_before_anything_is_sent),
      IN_FOLDER(it_is_closed_when_the_transfer_is_stopped),
      IN_FOLDER(memory_that_ends_at_any_allocation_is_reported)};
  return cmocka_run_group_tests_name("cbc_mime", tests, NULL, NULL);
}
