/*
** cbc_exchange_test.c - attempts, pauses and confirmation, row by row. The
** random histories are in cbc_exchange_model_test.c.
*/
#include "testenv.h"

#include "cbc_exchange.h"

/* What may come of an attempt. */
static const cbc_attempt UNSENT = {.sent = false, .status = 0, .retry_after = -1};
static const cbc_attempt LOST = {.sent = true, .status = 0, .retry_after = -1};

static cbc_attempt status(int code) {
  return (cbc_attempt){.sent = true, .status = code, .retry_after = -1};
}

static cbc_attempt status_after(int code, double seconds) {
  return (cbc_attempt){.sent = true, .status = code, .retry_after = seconds};
}

/* An exchange and its surroundings. */
typedef struct scene {
  testenv t;
  cbc_exchange x;
} scene;

static const cbc_policy usual = {.timeout = 60, .deadline = 300, .retries = 3};

static void start_with(scene *s, const cbc_policy *policy, cbc_repeat repeat) {
  testenv_init(&s->t);
  cbc_exchange_start(&s->x, policy, repeat, s->t.clock);
}

static void start(scene *s, cbc_repeat repeat) {
  start_with(s, &usual, repeat);
}

static void took(scene *s, cbc_attempt a) {
  cbc_exchange_took(&s->x, &a, &s->t.env);
}

/* Goes through a pause, and gives its length in seconds. */
static double pass_pause(scene *s) {
  double length = s->x.resume_at - s->t.clock;
  assert_int_equal(s->x.state, CBC_PAUSE);
  s->t.clock = s->x.resume_at;
  cbc_exchange_resume(&s->x);
  return length;
}

static void judge(scene *s, cbc_verdict verdict) {
  assert_int_equal(s->x.state, CBC_JUDGE);
  cbc_exchange_judge(&s->x, verdict, &s->t.env);
}

/* Reads the 2xx reply to the call itself. */
static void read_reply(scene *s, cbc_verdict verdict) {
  assert_int_equal(s->x.state, CBC_READ);
  cbc_exchange_read(&s->x, verdict, &s->t.env);
}

/* A 2xx that answers what was asked. */
static void took_answer(scene *s, int code) {
  took(s, status(code));
  read_reply(s, CBC_VERDICT_APPLIED);
}

static void assert_end(const scene *s, cbc_end end, cbc_outcome outcome, int attempts) {
  assert_int_equal(s->x.state, CBC_DONE);
  assert_int_equal(s->x.end, end);
  assert_int_equal(s->x.outcome, outcome);
  assert_int_equal(s->x.attempts, attempts);
}

/* Up to the confirming GET after a first attempt whose reply was lost. */
static void lose_the_reply(scene *s) {
  start(s, CBC_REPEAT_CONFIRMED);
  took(s, LOST);
  pass_pause(s);
  assert_int_equal(s->x.state, CBC_PROBE);
}

/* Up to the reading of what the confirming GET brought. */
static void read_the_record(scene *s) {
  lose_the_reply(s);
  took(s, status(200));
}

/* ==== The table, row by row =========================================== */

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const cbc_repeat every_kind[] = {CBC_REPEAT_SAFE, CBC_REPEAT_IDEMPOTENT,
                                        CBC_REPEAT_CONFIRMED, CBC_REPEAT_NEVER};

/* Statuses behind which the service may have acted, and may do so the next time. */
static const int ambiguous_codes[] = {100, 408, 500, 501, 502, 503, 504,
                                      505, 511, 520, 524, 599, 600, 999};

/* Statuses behind which it may have acted, and that come again the next time. */
static const int redirects[] = {300, 301, 302, 303, 304, 307, 308, 399};

static void begins_by_sending(void **state) {
  scene s;
  (void)state;
  start(&s, CBC_REPEAT_SAFE);
  assert_int_equal(s.x.state, CBC_SEND);
  assert_int_equal(s.x.attempts, 0);
}

static void a_2xx_is_the_answer(void **state) {
  static const int codes[] = {200, 201, 204, 206, 299};
  (void)state;
  for (size_t i = 0; i < COUNT(codes); i++) {
    scene s;
    start(&s, every_kind[i % COUNT(every_kind)]);
    took_answer(&s, codes[i]);
    assert_end(&s, CBC_END_REPLY, CBC_APPLIED, 1);
  }
}

static void what_was_never_sent_is_sent_again(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(every_kind); i++) {
    scene s;
    start(&s, every_kind[i]);
    took(&s, UNSENT);
    pass_pause(&s);
    assert_int_equal(s.x.state, CBC_SEND);
    took_answer(&s, 200);
    assert_end(&s, CBC_END_REPLY, CBC_APPLIED, 2);
  }
}

static void what_never_gets_through_stays_unsent(void **state) {
  scene s;
  (void)state;
  start(&s, CBC_REPEAT_CONFIRMED);
  for (int i = 0; i < 3; i++) {
    took(&s, UNSENT);
    pass_pause(&s);
    assert_int_equal(s.x.state, CBC_SEND);
  }
  took(&s, UNSENT);
  assert_end(&s, CBC_END_TRANSPORT, CBC_UNSENT, 4);
}

static void a_busy_service_is_asked_again(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(every_kind); i++) {
    cbc_attempt busy[] = {status(429), status_after(429, 7), status_after(503, 7)};
    for (size_t j = 0; j < COUNT(busy); j++) {
      scene s;
      start(&s, every_kind[i]);
      took(&s, busy[j]);
      pass_pause(&s);
      assert_int_equal(s.x.state, CBC_SEND);
    }
  }
}

static void a_service_that_stays_busy_has_refused(void **state) {
  scene s;
  (void)state;
  start(&s, CBC_REPEAT_CONFIRMED);
  for (int i = 0; i < 3; i++) {
    took(&s, status_after(503, 1));
    pass_pause(&s);
  }
  took(&s, status(429));
  assert_end(&s, CBC_END_STATUS, CBC_REJECTED, 4);
}

/* Each way in which it may or may not have taken effect. */
static cbc_attempt ambiguous(size_t i) {
  return i < COUNT(ambiguous_codes) ? status(ambiguous_codes[i]) : LOST;
}

#define AMBIGUOUS_COUNT (COUNT(ambiguous_codes) + 1)

static void after_an_ambiguous_attempt_an_idempotent_call_is_sent_again(void **state) {
  (void)state;
  for (size_t i = 0; i < AMBIGUOUS_COUNT; i++) {
    for (size_t j = 0; j < 2; j++) {
      scene s;
      start(&s, every_kind[j]);
      took(&s, ambiguous(i));
      pass_pause(&s);
      assert_int_equal(s.x.state, CBC_SEND);
    }
  }
}

static void a_read_is_never_ambiguous(void **state) {
  static const cbc_policy once = {.timeout = 60, .deadline = 300, .retries = 0};
  (void)state;
  for (size_t i = 0; i < AMBIGUOUS_COUNT; i++) {
    scene s;
    start_with(&s, &once, CBC_REPEAT_SAFE);
    took(&s, ambiguous(i));
    assert_int_equal(s.x.outcome, CBC_REJECTED);
  }
}

static void a_redirect_after_a_close_is_confirmed(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(redirects); i++) {
    scene s;
    start(&s, CBC_REPEAT_CONFIRMED);
    took(&s, status(redirects[i]));
    pass_pause(&s);
    assert_int_equal(s.x.state, CBC_PROBE);
  }
}

static void a_redirect_of_anything_else_is_a_failure_at_once(void **state) {
  static const cbc_outcome outcomes[] = {[CBC_REPEAT_SAFE] = CBC_REJECTED,
                                         [CBC_REPEAT_IDEMPOTENT] = CBC_UNKNOWN,
                                         [CBC_REPEAT_NEVER] = CBC_UNKNOWN};
  (void)state;
  for (size_t i = 0; i < COUNT(redirects); i++) {
    for (size_t j = 0; j < COUNT(every_kind); j++) {
      scene s;
      if (every_kind[j] == CBC_REPEAT_CONFIRMED) continue;
      start(&s, every_kind[j]);
      took(&s, status(redirects[i]));
      assert_end(&s, CBC_END_STATUS, outcomes[every_kind[j]], 1);
    }
  }
}

static void after_an_ambiguous_attempt_a_close_is_confirmed(void **state) {
  (void)state;
  for (size_t i = 0; i < AMBIGUOUS_COUNT; i++) {
    scene s;
    start(&s, CBC_REPEAT_CONFIRMED);
    took(&s, ambiguous(i));
    pass_pause(&s);
    assert_int_equal(s.x.state, CBC_PROBE);
  }
}

static void after_an_ambiguous_attempt_any_other_post_is_unknown(void **state) {
  (void)state;
  for (size_t i = 0; i < AMBIGUOUS_COUNT; i++) {
    scene s;
    start(&s, CBC_REPEAT_NEVER);
    took(&s, ambiguous(i));
    assert_end(&s, i < COUNT(ambiguous_codes) ? CBC_END_STATUS : CBC_END_TRANSPORT, CBC_UNKNOWN, 1);
  }
}

static void any_other_4xx_is_a_rejection_at_once(void **state) {
  static const int codes[] = {400, 401, 403, 404, 405, 409, 410, 422, 425, 428, 499};
  (void)state;
  for (size_t i = 0; i < COUNT(codes); i++) {
    for (size_t j = 0; j < COUNT(every_kind); j++) {
      scene s;
      start(&s, every_kind[j]);
      took(&s, status(codes[i]));
      assert_end(&s, CBC_END_STATUS, CBC_REJECTED, 1);
    }
  }
}

static void without_retries_nothing_is_repeated_or_confirmed(void **state) {
  static const cbc_policy once = {.timeout = 60, .deadline = 300, .retries = 0};
  const struct {
    cbc_attempt came;
    cbc_end end;
    cbc_outcome outcome;
  } rows[] = {{UNSENT, CBC_END_TRANSPORT, CBC_UNSENT},
              {LOST, CBC_END_TRANSPORT, CBC_UNKNOWN},
              {status(429), CBC_END_STATUS, CBC_REJECTED},
              {status_after(503, 1), CBC_END_STATUS, CBC_REJECTED},
              {status(503), CBC_END_STATUS, CBC_UNKNOWN},
              {status(400), CBC_END_STATUS, CBC_REJECTED}};
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    scene s;
    start_with(&s, &once, CBC_REPEAT_CONFIRMED);
    took(&s, rows[i].came);
    assert_end(&s, rows[i].end, rows[i].outcome, 1);
  }
}

/* ==== Pauses ========================================================== */

static double length_of_pause(int n, double dice) {
  static const cbc_policy patient = {.timeout = 60, .deadline = 1e6, .retries = 1000};
  scene s;
  double length = 0;
  start_with(&s, &patient, CBC_REPEAT_SAFE);
  s.t.dice = dice;
  for (int i = 0; i <= n; i++) {
    took(&s, UNSENT);
    length = pass_pause(&s);
  }
  return length;
}

static void pauses_double_up_to_twenty_seconds(void **state) {
  static const double most[] = {0.5, 1, 2, 4, 8, 16, 20, 20, 20};
  (void)state;
  for (int n = 0; n < (int)COUNT(most); n++) {
    assert_true(testenv_same(length_of_pause(n, 0), most[n] / 2));
    assert_true(testenv_same(length_of_pause(n, 0.5), most[n] * 0.75));
    assert_true(testenv_same(length_of_pause(n, 1), most[n]));
  }
  assert_true(testenv_same(length_of_pause(999, 1), 20));
}

static void retry_after_is_never_shortened(void **state) {
  static const double asked[] = {0, 0.2, 1, 5, 33.5, 120, 298};
  (void)state;
  for (size_t i = 0; i < COUNT(asked); i++) {
    scene s;
    double length;
    start(&s, CBC_REPEAT_CONFIRMED);
    s.t.dice = 1;
    took(&s, status_after(429, asked[i]));
    length = pass_pause(&s);
    assert_true(length >= asked[i]);
    assert_true(testenv_same(length, asked[i] > 0.5 ? asked[i] : 0.5));
  }
}

static void retry_after_counts_before_a_confirmation_too(void **state) {
  scene s;
  (void)state;
  start(&s, CBC_REPEAT_CONFIRMED);
  took(&s, status_after(500, 9));
  assert_true(testenv_same(pass_pause(&s), 9));
  assert_int_equal(s.x.state, CBC_PROBE);
  took(&s, status_after(503, 11));
  assert_true(testenv_same(pass_pause(&s), 11));
  assert_int_equal(s.x.state, CBC_PROBE);
}

/* ==== The deadline ==================================================== */

static void a_pause_past_the_deadline_is_not_begun(void **state) {
  scene s;
  (void)state;
  start(&s, CBC_REPEAT_SAFE);
  took(&s, status_after(429, 300));
  assert_end(&s, CBC_END_STATUS, CBC_REJECTED, 1);
  start(&s, CBC_REPEAT_SAFE);
  took(&s, status_after(429, 299.5));
  assert_int_equal(s.x.state, CBC_PAUSE);
}

static void a_confirmation_past_the_deadline_leaves_it_unknown(void **state) {
  scene s;
  (void)state;
  start(&s, CBC_REPEAT_CONFIRMED);
  s.t.clock += 299.9;
  took(&s, status(504));
  assert_end(&s, CBC_END_STATUS, CBC_UNKNOWN, 1);
}

static void an_attempt_cut_off_by_the_deadline_says_so(void **state) {
  scene s;
  (void)state;
  start(&s, CBC_REPEAT_CONFIRMED);
  s.t.clock += 300;
  took(&s, LOST);
  assert_end(&s, CBC_END_DEADLINE, CBC_UNKNOWN, 1);
  start(&s, CBC_REPEAT_CONFIRMED);
  s.t.clock += 300;
  took(&s, UNSENT);
  assert_end(&s, CBC_END_DEADLINE, CBC_UNSENT, 1);
}

static void a_reply_at_the_deadline_still_counts(void **state) {
  scene s;
  (void)state;
  start(&s, CBC_REPEAT_CONFIRMED);
  s.t.clock += 300;
  took_answer(&s, 200);
  assert_end(&s, CBC_END_REPLY, CBC_APPLIED, 1);
}

static void a_confirmation_cut_off_by_the_deadline_is_unknown(void **state) {
  scene s;
  (void)state;
  lose_the_reply(&s);
  s.t.clock += 300;
  took(&s, UNSENT);
  assert_end(&s, CBC_END_DEADLINE, CBC_UNKNOWN, 1);
}

static void nothing_is_sent_again_after_the_deadline(void **state) {
  scene s;
  (void)state;
  read_the_record(&s);
  s.t.clock += 300;
  judge(&s, CBC_VERDICT_NOT_APPLIED);
  assert_end(&s, CBC_END_TRANSPORT, CBC_UNKNOWN, 1);
}

static void an_attempt_gets_its_time_out_or_what_is_left(void **state) {
  scene s;
  (void)state;
  start(&s, CBC_REPEAT_SAFE);
  assert_true(testenv_same(cbc_exchange_budget(&s.x, 1000), 60));
  assert_true(testenv_same(cbc_exchange_budget(&s.x, 1239), 60));
  assert_true(testenv_same(cbc_exchange_budget(&s.x, 1270), 30));
  assert_true(testenv_same(cbc_exchange_budget(&s.x, 1300), 0));
  assert_true(testenv_same(cbc_exchange_budget(&s.x, 2000), 0));
}

/* ==== Confirmation ==================================================== */

static void a_close_found_under_our_id_has_succeeded(void **state) {
  scene s;
  (void)state;
  read_the_record(&s);
  judge(&s, CBC_VERDICT_APPLIED);
  assert_end(&s, CBC_END_CONFIRMED, CBC_APPLIED, 1);
}

static void a_record_found_open_is_closed_again(void **state) {
  scene s;
  (void)state;
  read_the_record(&s);
  judge(&s, CBC_VERDICT_NOT_APPLIED);
  assert_int_equal(s.x.state, CBC_SEND);
  took_answer(&s, 200);
  assert_end(&s, CBC_END_REPLY, CBC_APPLIED, 2);
}

static void a_close_under_another_id_is_rejected(void **state) {
  scene s;
  (void)state;
  read_the_record(&s);
  judge(&s, CBC_VERDICT_CONFLICT);
  assert_end(&s, CBC_END_CONFLICT, CBC_REJECTED, 1);
}

static void an_unreadable_confirmation_is_tried_again(void **state) {
  scene s;
  (void)state;
  lose_the_reply(&s);
  for (int i = 0; i < 3; i++) {
    took(&s, status(200));
    judge(&s, CBC_VERDICT_UNREADABLE);
    pass_pause(&s);
    assert_int_equal(s.x.state, CBC_PROBE);
  }
  took(&s, status(200));
  judge(&s, CBC_VERDICT_UNREADABLE);
  assert_end(&s, CBC_END_TRANSPORT, CBC_UNKNOWN, 1);
}

static void a_confirmation_that_does_not_get_through_is_tried_again(void **state) {
  cbc_attempt came[] = {UNSENT,      LOST,        status(500), status(502),
                        status(503), status(504), status(429)};
  (void)state;
  for (size_t i = 0; i < COUNT(came); i++) {
    scene s;
    lose_the_reply(&s);
    for (int n = 0; n < 3; n++) {
      took(&s, came[i]);
      pass_pause(&s);
      assert_int_equal(s.x.state, CBC_PROBE);
    }
    took(&s, came[i]);
    assert_end(&s, CBC_END_TRANSPORT, CBC_UNKNOWN, 1);
  }
}

static void a_confirmation_that_is_refused_leaves_it_unknown(void **state) {
  static const int codes[] = {301, 400, 401, 403, 404};
  (void)state;
  for (size_t i = 0; i < COUNT(codes); i++) {
    scene s;
    lose_the_reply(&s);
    took(&s, status(codes[i]));
    assert_end(&s, CBC_END_TRANSPORT, CBC_UNKNOWN, 1);
  }
}

static void every_confirmation_has_all_its_tries(void **state) {
  scene s;
  (void)state;
  lose_the_reply(&s);
  took(&s, UNSENT);
  pass_pause(&s);
  took(&s, UNSENT);
  pass_pause(&s);
  took(&s, status(200));
  judge(&s, CBC_VERDICT_NOT_APPLIED);
  took(&s, LOST);
  for (int i = 0; i < 3; i++) {
    pass_pause(&s);
    assert_int_equal(s.x.state, CBC_PROBE);
    took(&s, UNSENT);
  }
  assert_int_equal(s.x.state, CBC_PAUSE);
}

static void the_last_attempt_is_confirmed_too(void **state) {
  scene s;
  (void)state;
  start(&s, CBC_REPEAT_CONFIRMED);
  for (int i = 0; i < 3; i++) {
    took(&s, UNSENT);
    pass_pause(&s);
  }
  took(&s, LOST);
  pass_pause(&s);
  took(&s, status(200));
  judge(&s, CBC_VERDICT_APPLIED);
  assert_end(&s, CBC_END_CONFIRMED, CBC_APPLIED, 4);
}

static void a_record_still_open_after_the_last_attempt_is_unknown(void **state) {
  static const cbc_policy twice = {.timeout = 60, .deadline = 300, .retries = 1};
  scene s;
  (void)state;
  start_with(&s, &twice, CBC_REPEAT_CONFIRMED);
  for (int i = 0; i < 2; i++) {
    took(&s, status(502));
    pass_pause(&s);
    took(&s, status(200));
    judge(&s, CBC_VERDICT_NOT_APPLIED);
  }
  assert_end(&s, CBC_END_STATUS, CBC_UNKNOWN, 2);
}

/* ==== Refusals after an ambiguous attempt =============================== */

/* Up to the reading of the record after a lost reply, a repetition, and what
** came of that. */
static void refuse_the_repetition(scene *s, int code) {
  read_the_record(s);
  judge(s, CBC_VERDICT_NOT_APPLIED);
  took(s, status(code));
  pass_pause(s);
  assert_int_equal(s->x.state, CBC_PROBE);
  took(s, status(200));
}

static void a_refusal_after_an_ambiguous_attempt_is_confirmed(void **state) {
  scene s;
  (void)state;
  refuse_the_repetition(&s, 400);
  judge(&s, CBC_VERDICT_APPLIED);
  assert_end(&s, CBC_END_CONFIRMED, CBC_APPLIED, 2);
  refuse_the_repetition(&s, 409);
  judge(&s, CBC_VERDICT_CONFLICT);
  assert_end(&s, CBC_END_CONFLICT, CBC_REJECTED, 2);
}

static void what_was_refused_after_an_ambiguous_attempt_is_not_sent_again(void **state) {
  scene s;
  (void)state;
  refuse_the_repetition(&s, 400);
  judge(&s, CBC_VERDICT_NOT_APPLIED);
  assert_end(&s, CBC_END_STATUS, CBC_UNKNOWN, 2);
}

static void an_idempotent_call_rejected_after_an_ambiguous_attempt_is_unknown(void **state) {
  scene s;
  (void)state;
  start(&s, CBC_REPEAT_IDEMPOTENT);
  took(&s, LOST);
  pass_pause(&s);
  took(&s, status(404));
  assert_end(&s, CBC_END_STATUS, CBC_UNKNOWN, 2);
  start(&s, CBC_REPEAT_SAFE);
  took(&s, LOST);
  pass_pause(&s);
  took(&s, status(404));
  assert_end(&s, CBC_END_STATUS, CBC_REJECTED, 2);
}

/* Up to the confirmation of a rejection that came after the service had asked
** to come again later. */
static void reject_the_postponed(scene *s) {
  start(s, CBC_REPEAT_CONFIRMED);
  took(s, status_after(503, 1));
  pass_pause(s);
  took(s, status(400));
  pass_pause(s);
  assert_int_equal(s->x.state, CBC_PROBE);
}

static void a_rejection_after_a_postponed_attempt_is_confirmed(void **state) {
  static const struct {
    cbc_verdict verdict;
    cbc_end end;
    cbc_outcome outcome;
  } rows[] = {{CBC_VERDICT_APPLIED, CBC_END_CONFIRMED, CBC_APPLIED},
              {CBC_VERDICT_CONFLICT, CBC_END_CONFLICT, CBC_REJECTED},
              {CBC_VERDICT_AMBIGUOUS, CBC_END_CONFLICT, CBC_UNKNOWN},
              {CBC_VERDICT_NOT_APPLIED, CBC_END_STATUS, CBC_REJECTED}};
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    scene s;
    reject_the_postponed(&s);
    took(&s, status(200));
    judge(&s, rows[i].verdict);
    assert_end(&s, rows[i].end, rows[i].outcome, 2);
  }
}

static void a_rejection_that_can_not_be_confirmed_is_unknown(void **state) {
  scene s;
  (void)state;
  reject_the_postponed(&s);
  took(&s, status(403));
  assert_end(&s, CBC_END_STATUS, CBC_UNKNOWN, 2);
  reject_the_postponed(&s);
  s.t.clock += 300;
  took(&s, LOST);
  assert_end(&s, CBC_END_DEADLINE, CBC_UNKNOWN, 2);
  reject_the_postponed(&s);
  cbc_exchange_cancel(&s.x, CBC_END_CLOSED, false);
  assert_end(&s, CBC_END_CLOSED, CBC_UNKNOWN, 2);
  start(&s, CBC_REPEAT_CONFIRMED);
  took(&s, status(429));
  pass_pause(&s);
  s.t.clock += 299.5;
  took(&s, status(400));
  assert_end(&s, CBC_END_STATUS, CBC_UNKNOWN, 2);
}

static void ambiguity_outlives_later_attempts_that_never_left(void **state) {
  scene s;
  (void)state;
  read_the_record(&s);
  judge(&s, CBC_VERDICT_NOT_APPLIED);
  took(&s, UNSENT);
  pass_pause(&s);
  took(&s, UNSENT);
  pass_pause(&s);
  took(&s, UNSENT);
  assert_end(&s, CBC_END_TRANSPORT, CBC_UNKNOWN, 4);
}

static void what_was_refused_once_is_not_called_unsent(void **state) {
  static const cbc_policy twice = {.timeout = 60, .deadline = 300, .retries = 1};
  scene s;
  (void)state;
  start_with(&s, &twice, CBC_REPEAT_CONFIRMED);
  took(&s, status(429));
  pass_pause(&s);
  took(&s, UNSENT);
  assert_end(&s, CBC_END_TRANSPORT, CBC_REJECTED, 2);
  start_with(&s, &twice, CBC_REPEAT_CONFIRMED);
  took(&s, status(429));
  pass_pause(&s);
  s.t.clock += 300;
  took(&s, UNSENT);
  assert_end(&s, CBC_END_DEADLINE, CBC_REJECTED, 2);
  start_with(&s, &twice, CBC_REPEAT_CONFIRMED);
  took(&s, status(429));
  cbc_exchange_cancel(&s.x, CBC_END_CLOSED, false);
  assert_end(&s, CBC_END_CLOSED, CBC_REJECTED, 1);
}

/* ==== Replies that are not what they seemed =========================== */

static void an_unreadable_reply_to_a_close_is_confirmed(void **state) {
  scene s;
  (void)state;
  start(&s, CBC_REPEAT_CONFIRMED);
  took(&s, status(200));
  read_reply(&s, CBC_VERDICT_UNREADABLE);
  pass_pause(&s);
  assert_int_equal(s.x.state, CBC_PROBE);
  took(&s, status(200));
  judge(&s, CBC_VERDICT_APPLIED);
  assert_end(&s, CBC_END_CONFIRMED, CBC_APPLIED, 1);
}

static void an_unreadable_reply_to_anything_else_is_the_end(void **state) {
  static const cbc_outcome outcomes[] = {[CBC_REPEAT_SAFE] = CBC_REJECTED,
                                         [CBC_REPEAT_IDEMPOTENT] = CBC_UNKNOWN,
                                         [CBC_REPEAT_NEVER] = CBC_UNKNOWN};
  (void)state;
  for (size_t i = 0; i < COUNT(every_kind); i++) {
    scene s;
    if (every_kind[i] == CBC_REPEAT_CONFIRMED) continue;
    start(&s, every_kind[i]);
    took(&s, status(200));
    read_reply(&s, CBC_VERDICT_UNREADABLE);
    assert_end(&s, CBC_END_UNREADABLE, outcomes[every_kind[i]], 1);
  }
}

static void a_reply_that_does_not_say_closed_is_confirmed(void **state) {
  scene s;
  (void)state;
  start(&s, CBC_REPEAT_CONFIRMED);
  took(&s, status(200));
  read_reply(&s, CBC_VERDICT_NOT_APPLIED);
  pass_pause(&s);
  assert_int_equal(s.x.state, CBC_PROBE);
  took(&s, status(200));
  judge(&s, CBC_VERDICT_NOT_APPLIED);
  assert_int_equal(s.x.state, CBC_SEND);
}

static void a_reply_that_shows_a_conflict_ends_it(void **state) {
  scene s;
  (void)state;
  start(&s, CBC_REPEAT_CONFIRMED);
  took(&s, status(200));
  read_reply(&s, CBC_VERDICT_CONFLICT);
  assert_end(&s, CBC_END_CONFLICT, CBC_REJECTED, 1);
  start(&s, CBC_REPEAT_CONFIRMED);
  took(&s, status(200));
  read_reply(&s, CBC_VERDICT_AMBIGUOUS);
  assert_end(&s, CBC_END_CONFLICT, CBC_UNKNOWN, 1);
  start(&s, CBC_REPEAT_SAFE);
  took(&s, status(200));
  read_reply(&s, CBC_VERDICT_AMBIGUOUS);
  assert_end(&s, CBC_END_CONFLICT, CBC_REJECTED, 1);
}

static void a_conflict_that_may_be_our_own_close_is_unknown(void **state) {
  scene s;
  (void)state;
  read_the_record(&s);
  judge(&s, CBC_VERDICT_AMBIGUOUS);
  assert_end(&s, CBC_END_CONFLICT, CBC_UNKNOWN, 1);
}

static void after_the_last_attempt_nothing_is_repeated_or_confirmed(void **state) {
  scene s;
  (void)state;
  start(&s, CBC_REPEAT_CONFIRMED);
  cbc_exchange_last_attempt(&s.x);
  took(&s, LOST);
  assert_end(&s, CBC_END_TRANSPORT, CBC_UNKNOWN, 1);
  start(&s, CBC_REPEAT_SAFE);
  took(&s, LOST);
  pass_pause(&s);
  cbc_exchange_last_attempt(&s.x);
  took(&s, LOST);
  assert_end(&s, CBC_END_TRANSPORT, CBC_REJECTED, 2);
}

static void a_refusal_in_the_body_is_a_refusal(void **state) {
  scene s;
  (void)state;
  start(&s, CBC_REPEAT_CONFIRMED);
  took(&s, status(206));
  read_reply(&s, CBC_VERDICT_REJECTED);
  assert_end(&s, CBC_END_REJECTED, CBC_REJECTED, 1);
}

static void a_refusal_in_the_body_after_an_ambiguous_attempt_is_confirmed(void **state) {
  scene s;
  (void)state;
  read_the_record(&s);
  judge(&s, CBC_VERDICT_NOT_APPLIED);
  took(&s, status(206));
  read_reply(&s, CBC_VERDICT_REJECTED);
  pass_pause(&s);
  took(&s, status(200));
  judge(&s, CBC_VERDICT_APPLIED);
  assert_end(&s, CBC_END_CONFIRMED, CBC_APPLIED, 2);
}

static void a_refusal_in_the_body_that_stays_ambiguous_is_unknown(void **state) {
  scene s;
  (void)state;
  read_the_record(&s);
  judge(&s, CBC_VERDICT_NOT_APPLIED);
  took(&s, status(206));
  read_reply(&s, CBC_VERDICT_REJECTED);
  pass_pause(&s);
  took(&s, status(404));
  assert_end(&s, CBC_END_REJECTED, CBC_UNKNOWN, 2);
}

/* ==== Closing ========================================================= */

static void closing_before_anything_left_is_unsent(void **state) {
  scene s;
  (void)state;
  start(&s, CBC_REPEAT_CONFIRMED);
  cbc_exchange_cancel(&s.x, CBC_END_CLOSED, false);
  assert_end(&s, CBC_END_CLOSED, CBC_UNSENT, 0);
}

static void closing_in_an_attempt_that_left_is_unknown_and_counts_it(void **state) {
  scene s;
  (void)state;
  start(&s, CBC_REPEAT_CONFIRMED);
  cbc_exchange_cancel(&s.x, CBC_END_CLOSED, true);
  assert_end(&s, CBC_END_CLOSED, CBC_UNKNOWN, 1);
}

static void closing_while_confirming_is_unknown(void **state) {
  scene s;
  (void)state;
  lose_the_reply(&s);
  cbc_exchange_cancel(&s.x, CBC_END_CLOSED, false);
  assert_end(&s, CBC_END_CLOSED, CBC_UNKNOWN, 1);
  read_the_record(&s);
  cbc_exchange_cancel(&s.x, CBC_END_CLOSED, true);
  assert_end(&s, CBC_END_CLOSED, CBC_UNKNOWN, 1);
}

static void a_probe_counts_once_it_may_have_left(void **state) {
  scene s;
  (void)state;
  lose_the_reply(&s);
  cbc_exchange_cancel(&s.x, CBC_END_CLOSED, false);
  assert_int_equal(0, s.x.all_probes);
  lose_the_reply(&s);
  cbc_exchange_cancel(&s.x, CBC_END_CLOSED, true);
  assert_int_equal(1, s.x.all_probes);
}

static void an_error_on_this_side_ends_it_by_its_own_name(void **state) {
  scene s;
  (void)state;
  start(&s, CBC_REPEAT_NEVER);
  cbc_exchange_cancel(&s.x, CBC_END_LOCAL, true);
  assert_end(&s, CBC_END_LOCAL, CBC_UNKNOWN, 1);
}

static void closing_while_a_2xx_is_read_is_unknown(void **state) {
  scene s;
  (void)state;
  start(&s, CBC_REPEAT_NEVER);
  took(&s, status(200));
  cbc_exchange_cancel(&s.x, CBC_END_LOCAL, true);
  assert_end(&s, CBC_END_LOCAL, CBC_UNKNOWN, 1);
  start(&s, CBC_REPEAT_SAFE);
  took(&s, status(200));
  cbc_exchange_cancel(&s.x, CBC_END_LOCAL, true);
  assert_end(&s, CBC_END_LOCAL, CBC_REJECTED, 1);
}

static void closing_what_is_over_changes_nothing(void **state) {
  scene s;
  (void)state;
  start(&s, CBC_REPEAT_CONFIRMED);
  took_answer(&s, 200);
  cbc_exchange_cancel(&s.x, CBC_END_CLOSED, true);
  assert_end(&s, CBC_END_REPLY, CBC_APPLIED, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(begins_by_sending),
      cmocka_unit_test(a_2xx_is_the_answer),
      cmocka_unit_test(what_was_never_sent_is_sent_again),
      cmocka_unit_test(what_never_gets_through_stays_unsent),
      cmocka_unit_test(a_busy_service_is_asked_again),
      cmocka_unit_test(a_service_that_stays_busy_has_refused),
      cmocka_unit_test(after_an_ambiguous_attempt_an_idempotent_call_is_sent_again),
      cmocka_unit_test(a_read_is_never_ambiguous),
      cmocka_unit_test(a_redirect_after_a_close_is_confirmed),
      cmocka_unit_test(a_redirect_of_anything_else_is_a_failure_at_once),
      cmocka_unit_test(after_an_ambiguous_attempt_a_close_is_confirmed),
      cmocka_unit_test(after_an_ambiguous_attempt_any_other_post_is_unknown),
      cmocka_unit_test(any_other_4xx_is_a_rejection_at_once),
      cmocka_unit_test(without_retries_nothing_is_repeated_or_confirmed),
      cmocka_unit_test(pauses_double_up_to_twenty_seconds),
      cmocka_unit_test(retry_after_is_never_shortened),
      cmocka_unit_test(retry_after_counts_before_a_confirmation_too),
      cmocka_unit_test(a_pause_past_the_deadline_is_not_begun),
      cmocka_unit_test(a_confirmation_past_the_deadline_leaves_it_unknown),
      cmocka_unit_test(an_attempt_cut_off_by_the_deadline_says_so),
      cmocka_unit_test(a_reply_at_the_deadline_still_counts),
      cmocka_unit_test(a_confirmation_cut_off_by_the_deadline_is_unknown),
      cmocka_unit_test(nothing_is_sent_again_after_the_deadline),
      cmocka_unit_test(an_attempt_gets_its_time_out_or_what_is_left),
      cmocka_unit_test(a_close_found_under_our_id_has_succeeded),
      cmocka_unit_test(a_record_found_open_is_closed_again),
      cmocka_unit_test(a_close_under_another_id_is_rejected),
      cmocka_unit_test(an_unreadable_confirmation_is_tried_again),
      cmocka_unit_test(a_confirmation_that_does_not_get_through_is_tried_again),
      cmocka_unit_test(a_confirmation_that_is_refused_leaves_it_unknown),
      cmocka_unit_test(every_confirmation_has_all_its_tries),
      cmocka_unit_test(the_last_attempt_is_confirmed_too),
      cmocka_unit_test(a_record_still_open_after_the_last_attempt_is_unknown),
      cmocka_unit_test(a_refusal_after_an_ambiguous_attempt_is_confirmed),
      cmocka_unit_test(what_was_refused_after_an_ambiguous_attempt_is_not_sent_again),
      cmocka_unit_test(an_idempotent_call_rejected_after_an_ambiguous_attempt_is_unknown),
      cmocka_unit_test(a_rejection_after_a_postponed_attempt_is_confirmed),
      cmocka_unit_test(a_rejection_that_can_not_be_confirmed_is_unknown),
      cmocka_unit_test(ambiguity_outlives_later_attempts_that_never_left),
      cmocka_unit_test(what_was_refused_once_is_not_called_unsent),
      cmocka_unit_test(an_unreadable_reply_to_a_close_is_confirmed),
      cmocka_unit_test(an_unreadable_reply_to_anything_else_is_the_end),
      cmocka_unit_test(a_reply_that_does_not_say_closed_is_confirmed),
      cmocka_unit_test(a_reply_that_shows_a_conflict_ends_it),
      cmocka_unit_test(a_conflict_that_may_be_our_own_close_is_unknown),
      cmocka_unit_test(after_the_last_attempt_nothing_is_repeated_or_confirmed),
      cmocka_unit_test(a_refusal_in_the_body_is_a_refusal),
      cmocka_unit_test(a_refusal_in_the_body_after_an_ambiguous_attempt_is_confirmed),
      cmocka_unit_test(a_refusal_in_the_body_that_stays_ambiguous_is_unknown),
      cmocka_unit_test(closing_before_anything_left_is_unsent),
      cmocka_unit_test(closing_in_an_attempt_that_left_is_unknown_and_counts_it),
      cmocka_unit_test(closing_while_confirming_is_unknown),
      cmocka_unit_test(a_probe_counts_once_it_may_have_left),
      cmocka_unit_test(an_error_on_this_side_ends_it_by_its_own_name),
      cmocka_unit_test(closing_while_a_2xx_is_read_is_unknown),
      cmocka_unit_test(closing_what_is_over_changes_nothing)};
  return cmocka_run_group_tests_name("cbc_exchange", tests, NULL, NULL);
}
