/*
** cbc_exchange_model_test.c - random histories of a call, judged by a model of
** the service that knows what really happened.
**
** The model is written from the promises alone: a close is carried out once,
** and what the caller is told is true. Its service takes every close it is
** sent, as often as it is sent, so that a repetition the exchange must not make
** shows at once; or, in half of the histories, it closes a record once and
** refuses later ones, may be late, and has other clients.
**
** The histories are the same ones each time; EXCHANGE_RUNS and EXCHANGE_SEED
** choose others, as make torture does.
*/
#include "cbc_exchange.h"
#include "testenv.h"

#define RUNS 200000
#define SEED 20260101

/* More steps than any history has. */
#define STEPS_MOST 10000

typedef struct service {
  bool naive;   /* carries out every close it is sent */
  int ours;     /* times our close was carried out */
  bool others;  /* somebody else closed it */
  int late;     /* closes of ours still in some queue */
  bool reached; /* some request of ours arrived */
} service;

typedef struct history {
  testenv t;
  cbc_exchange x;
  cbc_policy policy;
  cbc_repeat repeat;
  service s;
  uint32_t seed;
  int sends, probes;
  bool doubt;   /* an attempt may be carried out, and no look at the record since says "open" */
  double asked; /* Retry-After of the last reply, -1 without */
  cbc_verdict verdict; /* what the body of the last 2xx says */
} history;

static uint32_t below(history *h, uint32_t most) {
  return testenv_below(&h->seed, most);
}

/* ==== The service ===================================================== */

/* A close arrives. True when it is carried out. */
static bool arrive(service *s) {
  if (!s->naive && (s->ours > 0 || s->others)) return false;
  s->ours++;
  return true;
}

/* Between two requests the world goes on. */
static void pass_time(history *h) {
  if (h->s.naive) return;
  if (h->s.late > 0 && below(h, 4) == 0) {
    h->s.late--;
    arrive(&h->s);
  }
  if (below(h, 30) == 0 && h->s.ours == 0) h->s.others = true;
}

static cbc_verdict verdict_of(const service *s) {
  if (s->ours > 0) return CBC_VERDICT_APPLIED;
  return s->others ? CBC_VERDICT_CONFLICT : CBC_VERDICT_NOT_APPLIED;
}

static int pick(history *h, const int *codes, uint32_t count) {
  return codes[below(h, count)];
}

/* A reply of the kind that says nothing about the call. */
static void busy(history *h, cbc_attempt *a) {
  a->status = below(h, 2) != 0 ? 429 : 503;
  if (a->status == 503 || below(h, 2) != 0) a->retry_after = below(h, 80) / 2.0;
}

static void broken(history *h, cbc_attempt *a) {
  static const int codes[] = {302, 408, 500, 501, 502, 503, 504, 520};
  a->status = pick(h, codes, 8);
  /* With Retry-After a 503 would be the other kind. */
  if (a->status != 503 && below(h, 4) == 0) a->retry_after = below(h, 10);
}

/* What a 2xx to an attempt that was carried out says: most of them the truth, and
** some nothing that can be read. */
static cbc_verdict verdict_of_answer(history *h) {
  static const cbc_verdict vague[] = {CBC_VERDICT_UNREADABLE, CBC_VERDICT_NOT_APPLIED,
                                      CBC_VERDICT_AMBIGUOUS};
  if (below(h, 6) != 0) return CBC_VERDICT_APPLIED;
  h->doubt = true;
  return vague[below(h, 3)];
}

/* What comes of an attempt that arrives and may be carried out. *verdict: what
** the body of a 2xx says. */
static cbc_attempt answer_close(history *h, cbc_verdict *verdict) {
  static const int refusals[] = {400, 401, 403, 404, 409, 422};
  cbc_attempt a = {.sent = true, .status = 0, .retry_after = -1};
  uint32_t kind = below(h, 7);
  h->s.reached = true;
  if (kind == 0) {
    busy(h, &a);
  } else if (kind == 1) {
    a.status = pick(h, refusals, 6);
  } else if (kind == 2 && !h->s.naive) {
    h->s.late++; /* it arrives when the caller has given up */
    h->doubt = true;
  } else {
    bool done = below(h, 3) != 0;
    if (done && !arrive(&h->s)) {
      *verdict = CBC_VERDICT_REJECTED;
      a.status = below(h, 2) != 0 ? 206 : 400;
      return a;
    }
    if (!done || kind == 3)
      broken(h, &a);
    else if (kind > 4)
      a.status = 200;
    if (a.status == 200) *verdict = verdict_of_answer(h);
    h->doubt = h->doubt || a.status != 200;
  }
  return a;
}

/* ==== One step ======================================================== */

/* A call that may be carried out twice. */
static bool harmless(const history *h) {
  return h->repeat == CBC_REPEAT_SAFE || h->repeat == CBC_REPEAT_IDEMPOTENT;
}

/* An attempt takes a while, and no longer than it was given. */
static void take_time(history *h, const cbc_attempt *a) {
  double budget = cbc_exchange_budget(&h->x, h->t.clock);
  double left = h->policy.deadline - (h->t.clock - h->x.started);
  assert_true(budget >= 0 && budget <= h->policy.timeout);
  assert_true(budget <= (left > 0 ? left : 0));
  if (a->status == 0 && a->sent)
    h->t.clock += budget;
  else
    h->t.clock += budget * below(h, 100) / 400;
}

static void step_send(history *h) {
  cbc_attempt a = {.sent = false, .status = 0, .retry_after = -1};
  h->sends++;
  assert_true(h->sends <= h->policy.retries + 1);
  assert_int_equal(h->sends, h->x.attempts + 1);
  /* The promise: nothing is sent again that may have been carried out. */
  if (!harmless(h)) assert_false(h->doubt);
  if (below(h, 5) != 0) a = answer_close(h, &h->verdict);
  take_time(h, &a);
  h->asked = a.retry_after;
  cbc_exchange_took(&h->x, &a, &h->t.env);
  if (a.status >= 200 && a.status <= 299) assert_int_equal(h->x.state, CBC_READ);
}

static void step_read(history *h) {
  h->asked = -1;
  cbc_exchange_read(&h->x, h->verdict, &h->t.env);
}

static void step_probe(history *h) {
  cbc_attempt a = {.sent = below(h, 2) != 0, .status = 0, .retry_after = -1};
  uint32_t kind = below(h, 8);
  h->probes++;
  assert_int_equal(h->repeat, CBC_REPEAT_CONFIRMED);
  assert_true(h->policy.retries > 0);
  if (kind == 0)
    busy(h, &a);
  else if (kind == 1)
    broken(h, &a);
  else if (kind == 2 && below(h, 4) == 0)
    a.status = 404;
  else if (kind > 3)
    a.status = 200;
  take_time(h, &a);
  h->asked = a.retry_after;
  cbc_exchange_took(&h->x, &a, &h->t.env);
}

static void step_judge(history *h) {
  cbc_verdict verdict = verdict_of(&h->s);
  h->asked = -1;
  if (below(h, 6) == 0) verdict = CBC_VERDICT_UNREADABLE;
  if (verdict == CBC_VERDICT_NOT_APPLIED) h->doubt = false;
  cbc_exchange_judge(&h->x, verdict, &h->t.env);
}

static void step_pause(history *h) {
  double length = h->x.resume_at - h->t.clock;
  assert_true(length >= 0.25);
  assert_true(length >= h->asked - 1e-9);
  assert_true(length <= (h->asked > 20 ? h->asked : 20) + 1e-9);
  assert_true(h->x.resume_at - h->x.started < h->policy.deadline);
  h->t.clock = h->x.resume_at;
  cbc_exchange_resume(&h->x);
  assert_true(h->x.state == CBC_SEND || h->x.state == CBC_PROBE);
}

/* ==== A whole history ================================================= */

static void begin(history *h, uint32_t seed) {
  static const cbc_repeat kinds[] = {CBC_REPEAT_CONFIRMED, CBC_REPEAT_CONFIRMED, CBC_REPEAT_NEVER,
                                     CBC_REPEAT_SAFE, CBC_REPEAT_IDEMPOTENT};
  *h = (history){.seed = seed, .asked = -1};
  testenv_init(&h->t);
  below(h, 2);
  h->repeat = kinds[below(h, 5)];
  h->s.naive = below(h, 2) != 0;
  h->policy = (cbc_policy){
      .timeout = 1 + below(h, 60), .deadline = 1 + below(h, 300), .retries = (int)below(h, 6)};
  cbc_exchange_start(&h->x, &h->policy, h->repeat, h->t.clock);
}

static void step(history *h) {
  h->t.dice = below(h, 1000) / 1000.0;
  switch (h->x.state) {
  case CBC_SEND:
    step_send(h);
    break;
  case CBC_READ:
    step_read(h);
    break;
  case CBC_PROBE:
    step_probe(h);
    break;
  case CBC_JUDGE:
    step_judge(h);
    break;
  case CBC_PAUSE:
    step_pause(h);
    break;
  case CBC_DONE:
    break;
  }
  pass_time(h);
}

/* What the caller is told is true, whatever still lies in a queue. */
static void judge_outcome(history *h) {
  const cbc_exchange *x = &h->x;
  while (h->s.late > 0) {
    h->s.late--;
    arrive(&h->s);
  }
  assert_int_equal(x->attempts, h->sends);
  if (x->policy.retries == 0) assert_true(h->sends == 1 && h->probes == 0);
  if (!harmless(h)) assert_true(h->s.ours <= 1);
  assert_int_equal(x->outcome == CBC_APPLIED,
                   x->end == CBC_END_REPLY || x->end == CBC_END_CONFIRMED);
  if (x->outcome == CBC_APPLIED) assert_true(h->s.ours >= 1);
  /* A read changes nothing, whatever came of it. */
  if (h->repeat == CBC_REPEAT_SAFE)
    assert_true(x->outcome != CBC_UNKNOWN);
  else if (x->outcome == CBC_REJECTED || x->outcome == CBC_UNSENT)
    assert_int_equal(h->s.ours, 0);
  if (x->outcome == CBC_UNSENT) assert_false(h->s.reached);
  if (x->outcome == CBC_REJECTED) assert_true(h->s.reached);
  if (x->end == CBC_END_CONFLICT) assert_true(h->s.others || h->verdict == CBC_VERDICT_AMBIGUOUS);
}

/* The history at work, to be told when it ends the test. */
static uint32_t present_seed, present_run;
static bool whole;

static int tell_seed(void **state) {
  (void)state;
  if (!whole)
    print_error("# EXCHANGE_RUNS=1 EXCHANGE_SEED=%u shows it again\n", present_seed + present_run);
  return 0;
}

static void what_is_told_is_true(void **state) {
  uint32_t runs = testenv_number("EXCHANGE_RUNS", RUNS);
  uint32_t seed = testenv_number("EXCHANGE_SEED", SEED);
  uint32_t outcomes[CBC_UNKNOWN + 1] = {0};
  (void)state;
  present_seed = seed;
  for (uint32_t run = 0; run < runs; run++) {
    history h;
    int steps = 0;
    uint32_t own = (seed + run) * 2654435761U | 1U;
    present_run = run;
    begin(&h, own);
    while (h.x.state != CBC_DONE && steps++ < STEPS_MOST)
      step(&h);
    assert_int_equal(h.x.state, CBC_DONE);
    judge_outcome(&h);
    outcomes[h.x.outcome]++;
  }
  whole = true;
  print_message("# %u histories from EXCHANGE_SEED=%u: %u unsent, %u rejected, %u applied, "
                "%u unknown\n",
                runs, seed, outcomes[CBC_UNSENT], outcomes[CBC_REJECTED], outcomes[CBC_APPLIED],
                outcomes[CBC_UNKNOWN]);
  /* The histories reach every end. */
  for (int i = 0; i <= CBC_UNKNOWN; i++)
    assert_true(runs < 1000 || outcomes[i] > runs / 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(what_is_told_is_true, tell_seed)};
  return cmocka_run_group_tests_name("cbc_exchange_model", tests, NULL, NULL);
}
