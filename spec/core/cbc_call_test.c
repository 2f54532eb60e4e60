/*
** cbc_call_test.c - whole calls, from request to answer, against a server that
** says what it is told to.
*/
#include "testenv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cbc_call.h"
#include "loopback.h"

#define KEY "ApiKey SU-000-000-000:s3cret"

/* Steps after which a test that goes in circles gives up. */
#define STEPS_MOST 10000

typedef struct scene {
  testenv t;
  loopback *server;
  cbc_client *client;
  cbc_call *call;
  cbc_error err;
  double skipped; /* seconds of pauses that were skipped */
  int pauses;
} scene;

/* Real time, and the pauses of a call are skipped (see pass). */
static double scene_now(void *ud) {
  const cbc_env *real = cbc_env_default();
  testenv *t = ud;
  return real->now(real->ud) + t->clock;
}

static int scene_wait(void *ud, struct pollfd *fds, nfds_t count, int milliseconds) {
  const cbc_env *real = cbc_env_default();
  (void)ud;
  return real->wait(real->ud, fds, count, milliseconds);
}

static void open_scene(scene *s, const loopback_step *steps, size_t count) {
  cbc_client_options o = {
      .policy = {.timeout = 10, .deadline = 300, .retries = 2},
      .transport = {.key = KEY, .connect_timeout = 5, .max_response = 1000, .max_connections = 4}};
  *s = (scene){.server = loopback_start(steps, count)};
  o.endpoint = o.transport.origin = loopback_url(s->server);
  o.endpoint_size = o.transport.origin_size = strlen(o.endpoint);
  o.transport.plain = true;
  testenv_init(&s->t);
  s->t.clock = 0;
  s->t.env.now = scene_now;
  s->t.env.wait = scene_wait;
  s->t.secret = "s3cret";
  s->client = cbc_client_new(&s->t.env, &o, &s->err);
  assert_non_null(s->client);
}

static void close_scene(scene *s) {
  cbc_call_free(s->call);
  cbc_client_free(s->client);
  loopback_stop(s->server);
  testenv_check(&s->t);
}

/* A close of a record, with the way to confirm it. */
static void describe_close(scene *s) {
  s->call->request.method = "POST";
  s->call->request.body = CBC_BODY_JSON;
  s->call->request.json = "{}";
  s->call->request.json_size = 2;
  cbc_buffer_adds(&s->call->request.url, "/records/UR-1/close");
  cbc_buffer_adds(&s->call->probe.url, loopback_url(s->server));
  cbc_buffer_adds(&s->call->probe.url, "/records/UR-1");
}

/* Skips what is left of a pause. */
static void pass(scene *s) {
  cbc_exchange *x = &s->call->exchange;
  double left = x->resume_at - s->t.env.now(&s->t);
  s->skipped += left;
  s->pauses++;
  s->t.clock += left;
}

static void begin_close(scene *s) {
  s->call = cbc_call_new(s->client, &s->err);
  assert_non_null(s->call);
  describe_close(s);
}

/* What a 2xx reply says: its body is the name of the verdict. */
static cbc_verdict read_verdict(scene *s) {
  const cbc_buffer *body = &cbc_transfer_reply(cbc_call_transfer(s->call))->body;
  if (body->size == 4 && memcmp(body->data, "ours", 4) == 0) return CBC_VERDICT_APPLIED;
  if (body->size == 4 && memcmp(body->data, "open", 4) == 0) return CBC_VERDICT_NOT_APPLIED;
  if (body->size == 4 && memcmp(body->data, "deny", 4) == 0) return CBC_VERDICT_REJECTED;
  return CBC_VERDICT_UNREADABLE;
}

/* Every test runs twice: with a driver that blocks, and with one that parks the call and
** waits for the client's descriptor as a host's loop does. */
static bool parking;

static int park_calls(void **state) {
  (void)state;
  parking = true;
  return 0;
}

/* Waits until the parked call can go on. */
static cbc_code wait_as_host(scene *s, int fd) {
  for (int i = 0; i < STEPS_MOST; i++) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    cbc_code rc;
    assert_int_equal(poll(&p, 1, 10000), 1);
    rc = cbc_client_step(s->client, &s->err);
    if (rc != CBC_OK || cbc_call_next_parked(s->client, false) == s->call) return rc;
    cbc_client_arm(s->client);
  }
  fail_msg("nothing woke the call");
  return CBC_OK;
}

static cbc_code park(scene *s) {
  cbc_code rc = cbc_call_kick(s->call, &s->err);
  int fd;
  if (rc != CBC_OK || cbc_call_next(s->call) != CBC_DO_WAIT) return rc;
  cbc_client_host(s->client);
  if ((fd = cbc_client_descriptor(s->client, &s->err)) < 0) return s->err.code;
  if ((rc = cbc_call_park(s->call, false, &s->err)) != CBC_OK) return rc;
  cbc_client_arm(s->client);
  rc = wait_as_host(s, fd);
  cbc_call_unpark(s->call);
  return rc;
}

static cbc_code step(scene *s, cbc_do what) {
  switch (what) {
  case CBC_DO_SEND:
    return cbc_call_send(s->call, &s->err);
  case CBC_DO_WAIT:
    if (s->call->exchange.state == CBC_PAUSE)
      pass(s);
    else
      return parking ? park(s) : cbc_call_wait(s->call, &s->err);
    break;
  case CBC_DO_REPLY:
    if (cbc_transfer_reply(cbc_call_transfer(s->call))->error.code == CBC_ENOMEM) return CBC_ENOMEM;
    cbc_call_took(s->call);
    break;
  case CBC_DO_READ:
    assert_false(cbc_call_probing(s->call));
    cbc_call_read(s->call, read_verdict(s));
    break;
  case CBC_DO_JUDGE:
    assert_true(cbc_call_probing(s->call));
    cbc_call_judge(s->call, read_verdict(s));
    break;
  default:
    fail_msg("step %d was not expected", (int)what);
  }
  return CBC_OK;
}

static cbc_code drive(scene *s) {
  cbc_do what;
  cbc_code rc = CBC_OK;
  for (int i = 0; rc == CBC_OK && (what = cbc_call_next(s->call)) != CBC_DO_FINISH; i++) {
    assert_true(i < STEPS_MOST);
    rc = step(s, what);
  }
  return rc;
}

static void carry_out(scene *s, cbc_repeat repeat) {
  cbc_call_start(s->call, NULL, repeat);
  assert_int_equal(drive(s), CBC_OK);
}

static void assert_end(const scene *s, cbc_end end, cbc_outcome outcome, int attempts) {
  assert_int_equal(s->call->exchange.end, end);
  assert_int_equal(s->call->exchange.outcome, outcome);
  assert_int_equal(s->call->exchange.attempts, attempts);
}

static bool asked(scene *s, size_t n, const char *first_line) {
  const char *came = loopback_request(s->server, n);
  return came != NULL && strncmp(came, first_line, strlen(first_line)) == 0;
}

#define CLOSE "POST /records/UR-1/close HTTP/1.1\r\n"
#define READ "GET /records/UR-1 HTTP/1.1\r\n"
#define OK_OURS "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nours"
#define OK_OPEN "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nopen"
#define STATUS(line) "HTTP/1.1 " line "\r\nContent-Length: 0\r\n\r\n"
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ==== The ways of a call ============================================== */

static void a_reply_answers(void **state) {
  static const loopback_step steps[] = {{OK_OURS, LOOPBACK_KEEP}};
  scene s;
  (void)state;
  open_scene(&s, steps, COUNT(steps));
  begin_close(&s);
  carry_out(&s, CBC_REPEAT_CONFIRMED);
  assert_end(&s, CBC_END_REPLY, CBC_APPLIED, 1);
  assert_true(asked(&s, 0, CLOSE));
  assert_memory_equal(cbc_transfer_reply(cbc_call_transfer(s.call))->body.data, "ours", 4);
  close_scene(&s);
}

static void a_lost_reply_is_confirmed_by_reading(void **state) {
  static const loopback_step steps[] = {{NULL, LOOPBACK_RESET}, {OK_OURS, LOOPBACK_KEEP}};
  scene s;
  (void)state;
  open_scene(&s, steps, COUNT(steps));
  begin_close(&s);
  carry_out(&s, CBC_REPEAT_CONFIRMED);
  assert_end(&s, CBC_END_CONFIRMED, CBC_APPLIED, 1);
  assert_true(asked(&s, 0, CLOSE) && asked(&s, 1, READ));
  assert_int_equal(loopback_requests(s.server), 2);
  assert_memory_equal(cbc_transfer_reply(s.call->reading)->body.data, "ours", 4);
  close_scene(&s);
}

static void what_is_found_open_is_sent_again(void **state) {
  static const loopback_step steps[] = {
      {STATUS("502 Bad"), LOOPBACK_KEEP},
      {STATUS("503 Busy"), LOOPBACK_KEEP},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n?", LOOPBACK_KEEP},
      {OK_OPEN, LOOPBACK_KEEP},
      {OK_OURS, LOOPBACK_KEEP}};
  scene s;
  (void)state;
  open_scene(&s, steps, COUNT(steps));
  begin_close(&s);
  carry_out(&s, CBC_REPEAT_CONFIRMED);
  assert_end(&s, CBC_END_REPLY, CBC_APPLIED, 2);
  assert_true(asked(&s, 0, CLOSE) && asked(&s, 1, READ) && asked(&s, 2, READ));
  assert_true(asked(&s, 3, READ) && asked(&s, 4, CLOSE));
  assert_int_equal(s.pauses, 3);
  assert_int_equal(loopback_connections(s.server), 1);
  close_scene(&s);
}

static void a_dead_connection_does_not_make_a_second_close(void **state) {
  static const loopback_step steps[] = {
      {OK_OURS, LOOPBACK_KEEP}, {NULL, LOOPBACK_CLOSE}, {OK_OURS, LOOPBACK_KEEP}};
  scene s;
  (void)state;
  open_scene(&s, steps, COUNT(steps));
  begin_close(&s);
  carry_out(&s, CBC_REPEAT_CONFIRMED);
  cbc_call_free(s.call);
  begin_close(&s);
  carry_out(&s, CBC_REPEAT_CONFIRMED);
  assert_end(&s, CBC_END_CONFIRMED, CBC_APPLIED, 1);
  assert_true(asked(&s, 1, CLOSE) && asked(&s, 2, READ));
  close_scene(&s);
}

static void a_service_that_is_busy_is_asked_after_its_time(void **state) {
  static const loopback_step steps[] = {
      {"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\nRetry-After: 17\r\n\r\n", LOOPBACK_KEEP},
      {OK_OURS, LOOPBACK_KEEP}};
  scene s;
  (void)state;
  open_scene(&s, steps, COUNT(steps));
  begin_close(&s);
  carry_out(&s, CBC_REPEAT_NEVER);
  assert_end(&s, CBC_END_REPLY, CBC_APPLIED, 2);
  assert_true(s.skipped > 16.9 && s.skipped <= 17);
  close_scene(&s);
}

static void an_attempt_of_its_own_policy_times_out(void **state) {
  static const loopback_step steps[] = {{NULL, LOOPBACK_HANG}};
  static const cbc_policy hasty = {.timeout = 0.1, .deadline = 300, .retries = 0};
  scene s;
  (void)state;
  open_scene(&s, steps, COUNT(steps));
  begin_close(&s);
  cbc_call_start(s.call, &hasty, CBC_REPEAT_CONFIRMED);
  assert_int_equal(drive(&s), CBC_OK);
  assert_end(&s, CBC_END_TRANSPORT, CBC_UNKNOWN, 1);
  close_scene(&s);
}

static void the_deadline_cuts_an_attempt_off(void **state) {
  static const loopback_step steps[] = {{NULL, LOOPBACK_HANG}};
  static const cbc_policy hasty = {.timeout = 10, .deadline = 0.1, .retries = 3};
  scene s;
  (void)state;
  open_scene(&s, steps, COUNT(steps));
  begin_close(&s);
  cbc_call_start(s.call, &hasty, CBC_REPEAT_CONFIRMED);
  assert_int_equal(drive(&s), CBC_OK);
  assert_end(&s, CBC_END_DEADLINE, CBC_UNKNOWN, 1);
  close_scene(&s);
}

static void a_reply_that_does_not_answer_is_confirmed(void **state) {
  static const loopback_step steps[] = {
      {OK_OPEN, LOOPBACK_KEEP},
      {OK_OURS, LOOPBACK_KEEP},
      {"HTTP/1.1 206 OK\r\nContent-Length: 4\r\n\r\ndeny", LOOPBACK_KEEP}};
  scene s;
  (void)state;
  open_scene(&s, steps, COUNT(steps));
  begin_close(&s);
  carry_out(&s, CBC_REPEAT_CONFIRMED);
  assert_end(&s, CBC_END_CONFIRMED, CBC_APPLIED, 1);
  cbc_call_free(s.call);
  begin_close(&s);
  carry_out(&s, CBC_REPEAT_CONFIRMED);
  assert_end(&s, CBC_END_REJECTED, CBC_REJECTED, 1);
  close_scene(&s);
}

/* ==== Ends before the end ============================================= */

/* Up to where the server has the request and says nothing. */
static void send_to_a_silent_server(scene *s) {
  static const loopback_step steps[] = {{NULL, LOOPBACK_HANG}};
  open_scene(s, steps, COUNT(steps));
  begin_close(s);
  cbc_call_start(s->call, NULL, CBC_REPEAT_CONFIRMED);
  for (int i = 0; loopback_requests(s->server) == 0 && i < STEPS_MOST; i++)
    assert_int_equal(step(s, cbc_call_next(s->call)), CBC_OK);
}

static void a_client_that_is_closed_leaves_the_call_unknown(void **state) {
  scene s;
  (void)state;
  send_to_a_silent_server(&s);
  cbc_client_close(s.client);
  assert_int_equal(cbc_call_next(s.call), CBC_DO_FINISH);
  assert_end(&s, CBC_END_CLOSED, CBC_UNKNOWN, 1);
  close_scene(&s);
}

/* The reply is there: what closes the client before it is read can't take it back. */
static void a_client_that_is_closed_after_the_reply_came_changes_nothing(void **state) {
  static const loopback_step steps[] = {{OK_OURS, LOOPBACK_KEEP}, {OK_OPEN, LOOPBACK_KEEP}};
  cbc_do what;
  (void)state;
  for (int late = 0; late < 2; late++) {
    scene s;
    open_scene(&s, steps, COUNT(steps));
    begin_close(&s);
    cbc_call_start(s.call, NULL, CBC_REPEAT_CONFIRMED);
    while ((what = cbc_call_next(s.call)) != (late ? CBC_DO_READ : CBC_DO_REPLY))
      assert_int_equal(step(&s, what), CBC_OK);
    cbc_client_close(s.client);
    assert_int_equal(drive(&s), CBC_OK);
    assert_end(&s, CBC_END_REPLY, CBC_APPLIED, 1);
    close_scene(&s);
  }
}

/* DONE is final: a verdict that needs more of a closed client does not revive it. */
static void a_client_that_is_closed_before_a_confirmation_leaves_it_unknown(void **state) {
  static const loopback_step steps[] = {{OK_OPEN, LOOPBACK_KEEP}};
  cbc_do what;
  scene s;
  (void)state;
  open_scene(&s, steps, COUNT(steps));
  begin_close(&s);
  cbc_call_start(s.call, NULL, CBC_REPEAT_CONFIRMED);
  while ((what = cbc_call_next(s.call)) != CBC_DO_READ)
    assert_int_equal(step(&s, what), CBC_OK);
  cbc_client_close(s.client);
  assert_int_equal(drive(&s), CBC_OK);
  assert_end(&s, CBC_END_CLOSED, CBC_UNKNOWN, 1);
  cbc_call_read(s.call, CBC_VERDICT_APPLIED);
  assert_end(&s, CBC_END_CLOSED, CBC_UNKNOWN, 1);
  close_scene(&s);
}

static void an_error_of_the_transport_is_kept(void **state) {
  cbc_error why = {.message = ""};
  scene s;
  (void)state;
  send_to_a_silent_server(&s);
  cbc_error_set(&why, CBC_ETRANSPORT, "poll failed");
  cbc_call_abort(s.call, &why);
  assert_end(&s, CBC_END_TRANSPORT, CBC_UNKNOWN, 1);
  assert_string_equal(s.call->error.message, "poll failed");
  close_scene(&s);
}

static void an_error_on_this_side_is_kept(void **state) {
  /* All of it, for the search of freed memory reads all that was copied. */
  cbc_error why = {.message = ""};
  scene s;
  (void)state;
  send_to_a_silent_server(&s);
  cbc_error_set(&why, CBC_EFILE, "the disk is full");
  cbc_call_abort(s.call, &why);
  assert_int_equal(cbc_call_next(s.call), CBC_DO_FINISH);
  assert_end(&s, CBC_END_LOCAL, CBC_UNKNOWN, 1);
  assert_string_equal(s.call->error.message, "the disk is full");
  assert_true(cbc_transfer_done(s.call->attempt));
  close_scene(&s);
}

static void a_call_may_be_freed_at_any_step(void **state) {
  static const loopback_step steps[] = {{NULL, LOOPBACK_RESET}, {OK_OURS, LOOPBACK_KEEP}};
  (void)state;
  for (int n = 0;; n++) {
    scene s;
    cbc_do what = CBC_DO_SEND;
    open_scene(&s, steps, COUNT(steps));
    begin_close(&s);
    cbc_call_start(s.call, NULL, CBC_REPEAT_CONFIRMED);
    for (int i = 0; i < n && (what = cbc_call_next(s.call)) != CBC_DO_FINISH; i++)
      assert_int_equal(step(&s, what), CBC_OK);
    close_scene(&s);
    if (what == CBC_DO_FINISH) break;
    assert_true(n < 200);
  }
}

static int interrupted(void *ud, struct pollfd *fds, nfds_t count, int milliseconds) {
  (void)ud;
  (void)fds;
  (void)count;
  (void)milliseconds;
  errno = EINTR;
  return -1;
}

static void a_signal_ends_the_waiting_and_not_the_call(void **state) {
  static const loopback_step steps[] = {{OK_OURS, LOOPBACK_KEEP}};
  cbc_code rc = CBC_OK;
  scene s;
  (void)state;
  open_scene(&s, steps, COUNT(steps));
  begin_close(&s);
  cbc_call_start(s.call, NULL, CBC_REPEAT_CONFIRMED);
  s.t.env.wait = interrupted;
  while (rc == CBC_OK)
    rc = step(&s, cbc_call_next(s.call));
  assert_int_equal(rc, CBC_EINTR);
  s.t.env.wait = scene_wait;
  assert_int_equal(drive(&s), CBC_OK);
  assert_end(&s, CBC_END_REPLY, CBC_APPLIED, 1);
  close_scene(&s);
}

/* ==== Memory ========================================================== */

static void a_send_without_memory_can_be_tried_again(void **state) {
  static const cbc_field own = {"X-Own", "o"};
  static const loopback_step steps[] = {{OK_OURS, LOOPBACK_KEEP}};
  scene s;
  (void)state;
  open_scene(&s, steps, COUNT(steps));
  begin_close(&s);
  s.call->request.headers = &own;
  s.call->request.header_count = 1;
  cbc_call_start(s.call, NULL, CBC_REPEAT_CONFIRMED);
  for (size_t n = 1;; n++) {
    testenv_fail(&s.t, n, true);
    if (cbc_call_send(s.call, &s.err) == CBC_OK) break;
    assert_int_equal(s.err.code, CBC_ENOMEM);
    assert_int_equal(cbc_call_next(s.call), CBC_DO_SEND);
    assert_true(n < 20);
  }
  testenv_fail(&s.t, 0, false);
  assert_int_equal(drive(&s), CBC_OK);
  assert_end(&s, CBC_END_REPLY, CBC_APPLIED, 1);
  close_scene(&s);
}

/* A close whose reply is lost and confirmed; every allocation of the core fails
** in turn, the call's own among them. */
static void memory_that_ends_at_any_allocation_is_told(void **state) {
  static const loopback_step steps[] = {{NULL, LOOPBACK_RESET}, {OK_OURS, LOOPBACK_KEEP}};
  size_t n = 1;
  bool failed = true;
  (void)state;
  for (; failed; n++) {
    scene s;
    cbc_code rc = CBC_ENOMEM;
    open_scene(&s, steps, COUNT(steps));
    testenv_fail(&s.t, n, n % 2 == 0);
    s.call = cbc_call_new(s.client, &s.err);
    if (s.call != NULL) {
      cbc_call_end(s.call);
      assert_int_equal(cbc_call_renew(s.call, &s.err), CBC_OK);
      describe_close(&s);
      cbc_call_start(s.call, NULL, CBC_REPEAT_CONFIRMED);
      rc = drive(&s);
    }
    failed = s.t.failures > 0;
    testenv_fail(&s.t, 0, false);
    assert_int_equal(rc, failed ? CBC_ENOMEM : CBC_OK);
    assert_true(loopback_requests(s.server) <= 2);
    close_scene(&s);
  }
  assert_true(n > 6);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_reply_answers),
      cmocka_unit_test(a_lost_reply_is_confirmed_by_reading),
      cmocka_unit_test(what_is_found_open_is_sent_again),
      cmocka_unit_test(a_dead_connection_does_not_make_a_second_close),
      cmocka_unit_test(a_service_that_is_busy_is_asked_after_its_time),
      cmocka_unit_test(an_attempt_of_its_own_policy_times_out),
      cmocka_unit_test(the_deadline_cuts_an_attempt_off),
      cmocka_unit_test(a_reply_that_does_not_answer_is_confirmed),
      cmocka_unit_test(a_client_that_is_closed_leaves_the_call_unknown),
      cmocka_unit_test(a_client_that_is_closed_after_the_reply_came_changes_nothing),
      cmocka_unit_test(a_client_that_is_closed_before_a_confirmation_leaves_it_unknown),
      cmocka_unit_test(an_error_of_the_transport_is_kept),
      cmocka_unit_test(an_error_on_this_side_is_kept),
      cmocka_unit_test(a_call_may_be_freed_at_any_step),
      cmocka_unit_test(a_send_without_memory_can_be_tried_again),
      cmocka_unit_test(memory_that_ends_at_any_allocation_is_told)};
  const struct CMUnitTest blocking[] = {
      cmocka_unit_test(a_signal_ends_the_waiting_and_not_the_call)};
  int failed = cmocka_run_group_tests_name("cbc_call", tests, NULL, NULL);
  failed += cmocka_run_group_tests_name("cbc_call, blocking", blocking, NULL, NULL);
  return failed + cmocka_run_group_tests_name("cbc_call, parked", tests, park_calls, NULL);
}
