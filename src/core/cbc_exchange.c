/*
** cbc_exchange.c - attempts, pauses and confirmation.
*/
#include "cbc_exchange.h"

#include <string.h>

/* The pause before the n-th repetition: min(20 s, 0.5 s * 2^n), shortened by
** up to a half so that clients that failed together don't return together. */
#define PAUSE_FIRST 0.5
#define PAUSE_MOST 20.0

/* What one attempt means for the call. */
typedef enum meaning {
  SUCCESS,    /* 2xx */
  UNSENT,     /* it never left */
  POSTPONED,  /* the service asks to come again later, and did nothing */
  REDIRECTED, /* 3xx, which is not followed: it may have taken effect */
  AMBIGUOUS,  /* it may have taken effect, and may go through the next time */
  REJECTED    /* 4xx but 408: it had no effect */
} meaning;

/* Only a 2xx and a 4xx other than 408 settle a change; any other status may
** come from a proxy, after the service behind it acted. */
static meaning meaning_of(const cbc_attempt *a) {
  int status = a->status;
  if (status == 0) return a->sent ? AMBIGUOUS : UNSENT;
  if (status >= 200 && status < 300) return SUCCESS;
  if (status == 429 || (status == 503 && a->retry_after >= 0)) return POSTPONED;
  if (status >= 300 && status < 400) return REDIRECTED;
  if (status >= 400 && status < 500 && status != 408) return REJECTED;
  return AMBIGUOUS;
}

static void finish(cbc_exchange *x, cbc_end end, cbc_outcome outcome) {
  x->state = CBC_DONE;
  x->end = end;
  x->outcome = outcome;
}

/* Takes note of an attempt that may have taken effect. A read has none. */
static void note_ambiguous(cbc_exchange *x) {
  if (x->repeat == CBC_REPEAT_SAFE)
    x->reached = true;
  else
    x->ambiguous = true;
}

/* Ends as the last attempt did. After an ambiguous one the service may still be at
** work on it, so the outcome is unknown. */
static void fail(cbc_exchange *x, cbc_outcome outcome) {
  finish(x, x->last, x->ambiguous ? CBC_UNKNOWN : outcome);
}

/* The outcome where no attempt took effect, as far as can be known. */
static cbc_outcome outcome_without_effect(const cbc_exchange *x) {
  if (x->ambiguous || x->rejected) return CBC_UNKNOWN;
  return x->reached ? CBC_REJECTED : CBC_UNSENT;
}

/* libcurl counts time in milliseconds, and may be early by one. */
#define CLOCK_ERROR 0.001

/* The deadline cut the attempt off, rather than its own timeout. */
static bool deadline_passed(const cbc_exchange *x, double now) {
  return now - x->started >= x->policy.deadline - CLOCK_ERROR;
}

static double next_pause(const cbc_exchange *x, double retry_after, const cbc_env *env) {
  double pause = PAUSE_FIRST;
  for (int i = 0; i < x->pauses && pause < PAUSE_MOST; i++)
    pause *= 2;
  if (pause > PAUSE_MOST) pause = PAUSE_MOST;
  pause *= 0.5 + env->random(env->ud) / 2;
  return retry_after > pause ? retry_after : pause;
}

/* Pauses before state, if the deadline leaves time for that; else false. */
static bool pause_before(cbc_exchange *x, cbc_state state, double retry_after, const cbc_env *env) {
  double now = env->now(env->ud);
  double resume_at = now + next_pause(x, retry_after, env);
  if (resume_at - x->started >= x->policy.deadline) return false;
  x->state = CBC_PAUSE;
  x->after_pause = state;
  x->resume_at = resume_at;
  x->pauses++;
  return true;
}

static bool again(cbc_exchange *x, double retry_after, const cbc_env *env) {
  return x->attempts <= x->policy.retries && pause_before(x, CBC_SEND, retry_after, env);
}

static bool confirm(cbc_exchange *x, double retry_after, const cbc_env *env) {
  if (x->repeat != CBC_REPEAT_CONFIRMED || x->policy.retries == 0) return false;
  x->probes = 0;
  return pause_before(x, CBC_PROBE, retry_after, env);
}

/* After an attempt that may have taken effect. */
static void settle_ambiguous(cbc_exchange *x, bool may_go_through, double retry_after,
                             const cbc_env *env) {
  bool harmless = x->repeat == CBC_REPEAT_SAFE || x->repeat == CBC_REPEAT_IDEMPOTENT;
  note_ambiguous(x);
  if (harmless ? may_go_through && again(x, retry_after, env) : confirm(x, retry_after, env))
    return;
  fail(x, outcome_without_effect(x));
}

/* After an attempt that was rejected. Where an earlier one may have taken
** effect, or was postponed, that may be the reason for it, so a rejection is
** believed only when the object has been read. */
static void settle_rejection(cbc_exchange *x, double retry_after, const cbc_env *env) {
  x->reached = true;
  x->rejected = x->repeat == CBC_REPEAT_CONFIRMED && (x->ambiguous || x->postponed);
  if (x->rejected && confirm(x, retry_after, env)) return;
  fail(x, x->rejected ? CBC_UNKNOWN : CBC_REJECTED);
}

static void took_send(cbc_exchange *x, const cbc_attempt *a, const cbc_env *env) {
  meaning m = meaning_of(a);
  x->attempts++;
  x->rejected = false;
  x->last = a->status != 0 ? CBC_END_STATUS : CBC_END_TRANSPORT;
  switch (m) {
  case SUCCESS:
    x->state = CBC_READ;
    return;
  case POSTPONED:
    x->reached = x->postponed = true;
    /* fall through */
  case UNSENT:
    if (!again(x, a->retry_after, env)) fail(x, outcome_without_effect(x));
    return;
  case REDIRECTED:
  case AMBIGUOUS:
    settle_ambiguous(x, m == AMBIGUOUS, a->retry_after, env);
    return;
  case REJECTED:
    settle_rejection(x, a->retry_after, env);
    return;
  }
}

static void took_probe(cbc_exchange *x, const cbc_attempt *a, const cbc_env *env) {
  meaning m = meaning_of(a);
  x->probes++;
  x->all_probes++;
  if (m == SUCCESS) {
    x->state = CBC_JUDGE;
    return;
  }
  if (m != REJECTED && m != REDIRECTED && x->probes <= x->policy.retries &&
      pause_before(x, CBC_PROBE, a->retry_after, env))
    return;
  fail(x, CBC_UNKNOWN);
}

cbc_repeat cbc_exchange_repeat(const char *method) {
  if (strcmp(method, "GET") == 0) return CBC_REPEAT_SAFE;
  return strcmp(method, "PUT") == 0 || strcmp(method, "DELETE") == 0 ? CBC_REPEAT_IDEMPOTENT
                                                                     : CBC_REPEAT_NEVER;
}

void cbc_exchange_start(cbc_exchange *x, const cbc_policy *policy, cbc_repeat repeat, double now) {
  *x = (cbc_exchange){.policy = *policy, .repeat = repeat, .state = CBC_SEND, .started = now};
}

double cbc_exchange_ends(const cbc_exchange *x) {
  return x->started + x->policy.deadline;
}

double cbc_exchange_budget(const cbc_exchange *x, double now) {
  double left = x->policy.deadline - (now - x->started);
  if (left < 0) left = 0;
  return left < x->policy.timeout ? left : x->policy.timeout;
}

/* The present attempt or probe ended without a reply, and it was the last. */
static void count_cut_off(cbc_exchange *x, bool sent) {
  if (x->state == CBC_SEND) {
    x->attempts++;
    if (sent) note_ambiguous(x);
  } else if (x->state == CBC_PROBE) {
    x->all_probes++;
  }
}

void cbc_exchange_took(cbc_exchange *x, const cbc_attempt *a, const cbc_env *env) {
  if (a->status == 0 && deadline_passed(x, env->now(env->ud))) {
    count_cut_off(x, a->sent);
    finish(x, CBC_END_DEADLINE, outcome_without_effect(x));
  } else if (x->state == CBC_SEND) {
    took_send(x, a, env);
  } else {
    took_probe(x, a, env);
  }
}

/* Ends because another call, perhaps an earlier attempt of this one, changed
** the object: an object is changed once, so this one can't take effect later. */
static void finish_conflict(cbc_exchange *x, cbc_verdict verdict) {
  bool known = verdict == CBC_VERDICT_CONFLICT || x->repeat == CBC_REPEAT_SAFE;
  finish(x, CBC_END_CONFLICT, known ? CBC_REJECTED : CBC_UNKNOWN);
}

void cbc_exchange_read(cbc_exchange *x, cbc_verdict verdict, const cbc_env *env) {
  switch (verdict) {
  case CBC_VERDICT_APPLIED:
    finish(x, CBC_END_REPLY, CBC_APPLIED);
    return;
  case CBC_VERDICT_CONFLICT:
  case CBC_VERDICT_AMBIGUOUS:
    finish_conflict(x, verdict);
    return;
  case CBC_VERDICT_REJECTED:
    x->last = CBC_END_REJECTED;
    settle_rejection(x, -1, env);
    return;
  case CBC_VERDICT_NOT_APPLIED:
  case CBC_VERDICT_UNREADABLE:
    x->last = CBC_END_UNREADABLE;
    settle_ambiguous(x, false, -1, env);
    return;
  }
}

/* The confirmation shows that no attempt has taken effect so far. */
static void judge_not_applied(cbc_exchange *x, const cbc_env *env) {
  if (x->rejected)
    fail(x, CBC_REJECTED);
  else if (x->attempts <= x->policy.retries && !deadline_passed(x, env->now(env->ud)))
    x->state = CBC_SEND;
  else
    fail(x, CBC_UNKNOWN);
}

void cbc_exchange_judge(cbc_exchange *x, cbc_verdict verdict, const cbc_env *env) {
  switch (verdict) {
  case CBC_VERDICT_APPLIED:
    finish(x, CBC_END_CONFIRMED, CBC_APPLIED);
    return;
  case CBC_VERDICT_CONFLICT:
  case CBC_VERDICT_AMBIGUOUS:
    finish_conflict(x, verdict);
    return;
  case CBC_VERDICT_NOT_APPLIED:
    judge_not_applied(x, env);
    return;
  case CBC_VERDICT_REJECTED:
  case CBC_VERDICT_UNREADABLE:
    if (x->probes > x->policy.retries || !pause_before(x, CBC_PROBE, -1, env)) fail(x, CBC_UNKNOWN);
    return;
  }
}

void cbc_exchange_pause(cbc_exchange *x, double until) {
  finish(x, CBC_END_REPLY, CBC_APPLIED);
  x->state = CBC_PAUSE;
  x->after_pause = CBC_DONE;
  x->resume_at = until;
}

void cbc_exchange_resume(cbc_exchange *x) {
  x->state = x->after_pause;
}

void cbc_exchange_last_attempt(cbc_exchange *x) {
  x->policy.retries = 0;
}

void cbc_exchange_cancel(cbc_exchange *x, cbc_end end, bool sent) {
  if (x->state == CBC_DONE) return;
  if (sent) count_cut_off(x, sent);
  /* A 2xx that was not read to its end. */
  if (x->state == CBC_READ) note_ambiguous(x);
  finish(x, end, outcome_without_effect(x));
}
