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
  ACCEPTED, /* 2xx */
  UNSENT,   /* it never left */
  LATER,    /* the service asks to come again, and did nothing */
  DOUBTFUL, /* it may have taken effect */
  REFUSED   /* any other status */
} meaning;

static meaning meaning_of(const cbc_attempt *a) {
  if (a->status == 0) return a->sent ? DOUBTFUL : UNSENT;
  if (a->status >= 200 && a->status < 300) return ACCEPTED;
  if (a->status == 429) return LATER;
  if (a->status == 503 && a->retry_after >= 0) return LATER;
  if (a->status == 500 || (a->status >= 502 && a->status <= 504)) return DOUBTFUL;
  return REFUSED;
}

static void finish(cbc_exchange *x, cbc_end end, cbc_outcome outcome) {
  x->state = CBC_DONE;
  x->end = end;
  x->outcome = outcome;
}

/* Ends without success. After a doubtful attempt nobody can vouch that the
** service isn't still at work on it, so the outcome is unknown. */
static void fail(cbc_exchange *x, cbc_outcome outcome) {
  finish(x, x->last, x->doubtful ? CBC_UNKNOWN : outcome);
}

/* The outcome where no attempt took effect, as far as can be known. */
static cbc_outcome outcome_without_effect(const cbc_exchange *x) {
  return x->doubtful ? CBC_UNKNOWN : x->turned_away ? CBC_REJECTED : CBC_UNSENT;
}

/* libcurl counts time in milliseconds, and may be early by one. */
#define CLOCK_ERROR 0.001

/* The deadline cut the attempt off, rather than its own time-out. */
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
  if (x->repeat != CBC_REPEAT_PROBED || x->policy.retries == 0) return false;
  x->probes = 0;
  return pause_before(x, CBC_PROBE, retry_after, env);
}

static void took_send(cbc_exchange *x, const cbc_attempt *a, const cbc_env *env) {
  meaning m = meaning_of(a);
  x->attempts++;
  x->refused = false;
  x->last = a->status != 0 ? CBC_END_STATUS : CBC_END_TRANSPORT;
  switch (m) {
  case ACCEPTED:
    finish(x, CBC_END_REPLY, CBC_APPLIED);
    return;
  case UNSENT:
  case LATER:
    x->turned_away = x->turned_away || m == LATER;
    if (!again(x, a->retry_after, env)) fail(x, outcome_without_effect(x));
    return;
  case DOUBTFUL:
    x->doubtful = true;
    if (x->repeat == CBC_REPEAT_SAFE ? again(x, a->retry_after, env)
                                     : confirm(x, a->retry_after, env))
      return;
    fail(x, CBC_UNKNOWN);
    return;
  case REFUSED:
    /* Perhaps refused because the doubtful attempt had taken effect. */
    x->refused = x->doubtful;
    if (x->doubtful && confirm(x, a->retry_after, env)) return;
    fail(x, CBC_REJECTED);
    return;
  }
}

static void took_probe(cbc_exchange *x, const cbc_attempt *a, const cbc_env *env) {
  meaning m = meaning_of(a);
  x->probes++;
  if (m == ACCEPTED) {
    x->state = CBC_JUDGE;
    return;
  }
  if (m != REFUSED && x->probes <= x->policy.retries &&
      pause_before(x, CBC_PROBE, a->retry_after, env))
    return;
  fail(x, CBC_UNKNOWN);
}

cbc_repeat cbc_exchange_repeat(const char *method) {
  return strcmp(method, "POST") == 0 || strcmp(method, "PATCH") == 0 ? CBC_REPEAT_NEVER
                                                                     : CBC_REPEAT_SAFE;
}

void cbc_exchange_start(cbc_exchange *x, const cbc_policy *policy, cbc_repeat repeat, double now) {
  *x = (cbc_exchange){.policy = *policy, .repeat = repeat, .state = CBC_SEND, .started = now};
}

double cbc_exchange_budget(const cbc_exchange *x, double now) {
  double left = x->policy.deadline - (now - x->started);
  if (left < 0) left = 0;
  return left < x->policy.timeout ? left : x->policy.timeout;
}

void cbc_exchange_took(cbc_exchange *x, const cbc_attempt *a, const cbc_env *env) {
  if (a->status == 0 && deadline_passed(x, env->now(env->ud))) {
    if (x->state == CBC_SEND) {
      x->attempts++;
      x->doubtful = x->doubtful || a->sent;
    }
    finish(x, CBC_END_DEADLINE, outcome_without_effect(x));
  } else if (x->state == CBC_SEND) {
    took_send(x, a, env);
  } else {
    took_probe(x, a, env);
  }
}

void cbc_exchange_unreadable(cbc_exchange *x, const cbc_env *env) {
  x->last = CBC_END_UNREADABLE;
  x->doubtful = true;
  if (!confirm(x, -1, env)) fail(x, CBC_UNKNOWN);
}

void cbc_exchange_denied(cbc_exchange *x, const cbc_env *env) {
  x->last = CBC_END_DENIED;
  x->refused = x->doubtful;
  if (!(x->doubtful && confirm(x, -1, env))) fail(x, CBC_REJECTED);
}

void cbc_exchange_judge(cbc_exchange *x, cbc_verdict verdict, const cbc_env *env) {
  switch (verdict) {
  case CBC_VERDICT_OURS:
    finish(x, CBC_END_CONFIRMED, CBC_APPLIED);
    return;
  case CBC_VERDICT_OTHERS:
    /* A record is closed once, so ours can't take effect any more. */
    finish(x, CBC_END_TAKEN, CBC_REJECTED);
    return;
  case CBC_VERDICT_OPEN:
    if (!x->refused && x->attempts <= x->policy.retries && !deadline_passed(x, env->now(env->ud))) {
      x->state = CBC_SEND;
      return;
    }
    break;
  case CBC_VERDICT_UNREADABLE:
    if (x->probes <= x->policy.retries && pause_before(x, CBC_PROBE, -1, env)) return;
    break;
  }
  fail(x, CBC_UNKNOWN);
}

void cbc_exchange_resume(cbc_exchange *x) {
  x->state = x->after_pause;
}

void cbc_exchange_cancel(cbc_exchange *x, cbc_end end, bool sent) {
  if (x->state == CBC_DONE) {
    /* Before the start, or when what the reply brought can't be kept. */
    if (end == CBC_END_LOCAL) x->end = end;
    return;
  }
  if (x->state == CBC_SEND && sent) {
    x->attempts++;
    x->doubtful = true;
  }
  finish(x, end, outcome_without_effect(x));
}
