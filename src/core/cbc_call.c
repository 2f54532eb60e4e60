/*
** cbc_call.c - one call from request to answer.
*/
#include "cbc_call.h"

#include <stddef.h>
#include <string.h>

static const cbc_env *env_of(const cbc_call *call) {
  return call->env;
}

static cbc_multi *multi_of(const cbc_client *c) {
  return cbc_transport_multi(cbc_client_transport(c));
}

/* The present attempt or probe is over, or was never begun: another call may have its
** place. */
static void release(cbc_call *call) {
  if (!cbc_client_closed(call->client))
    cbc_waiters_release(&multi_of(call->client)->waiters, &call->waiter);
  call->waiter.admitted = false;
}

/* ==== Life ============================================================ */

cbc_code cbc_call_renew(cbc_call *call, cbc_error *err) {
  if (cbc_client_hold(call->client) == NULL)
    return cbc_error_set(err, CBC_ECLOSED, "the client is closed");
  call->held = true;
  cbc_error_clear(&call->error);
  /* A call that never starts is over. */
  call->exchange = (cbc_exchange){.state = CBC_DONE};
  if (cbc_buffer_adds(&call->request.url, cbc_client_endpoint(call->client))) return CBC_OK;
  cbc_call_end(call);
  return cbc_error_nomem(err);
}

cbc_call *cbc_call_new(cbc_client *c, cbc_error *err) {
  const cbc_env *env = cbc_client_env(c);
  cbc_call *call = cbc_alloc(env, sizeof *call);
  if (call == NULL) {
    cbc_error_nomem(err);
    return NULL;
  }
  *call = (cbc_call){.env = env, .client = c};
  cbc_request_init(&call->request, env);
  cbc_request_init(&call->probe, env);
  if (cbc_call_renew(call, err) == CBC_OK) return call;
  cbc_call_free(call);
  return NULL;
}

void cbc_call_end(cbc_call *call) {
  if (!call->held) return;
  call->held = false;
  cbc_call_unpark(call);
  release(call);
  cbc_transport_release(call->attempt);
  cbc_transport_release(call->reading);
  call->attempt = call->reading = NULL;
  cbc_request_reset(&call->request);
  cbc_request_reset(&call->probe);
  cbc_client_release(call->client);
}

void cbc_call_free(cbc_call *call) {
  if (call == NULL) return;
  cbc_call_end(call);
  cbc_request_free(&call->request);
  cbc_request_free(&call->probe);
  cbc_free(call->env, call, sizeof *call);
}

static void cancel(cbc_call *call, cbc_end end) {
  const cbc_transfer *x = cbc_call_transfer(call);
  bool sent = call->sending && x != NULL && cbc_transfer_sent(x);
  cbc_exchange_cancel(&call->exchange, end, sent);
  call->sending = false;
  release(call);
}

void cbc_call_abort(cbc_call *call, const cbc_error *err) {
  call->error = *err;
  cancel(call, err->code == CBC_ETRANSPORT ? CBC_END_TRANSPORT : CBC_END_LOCAL);
  if (call->attempt != NULL) cbc_transfer_stop(call->attempt);
  if (call->reading != NULL) cbc_transfer_stop(call->reading);
}

/* ==== Steps =========================================================== */

void cbc_call_start(cbc_call *call, const cbc_policy *policy, cbc_repeat repeat) {
  const cbc_env *env = env_of(call);
  cbc_exchange_start(&call->exchange, policy != NULL ? policy : cbc_client_policy(call->client),
                     repeat, env->now(env->ud));
  call->sending = false;
}

void cbc_call_pause(cbc_call *call, double seconds) {
  const cbc_env *env = env_of(call);
  cbc_call_start(call, NULL, CBC_REPEAT_SAFE);
  cbc_exchange_pause(&call->exchange, env->now(env->ud) + seconds);
}

bool cbc_call_probing(const cbc_call *call) {
  return call->exchange.state == CBC_PROBE || call->exchange.state == CBC_JUDGE;
}

cbc_transfer *cbc_call_transfer(const cbc_call *call) {
  return cbc_call_probing(call) ? call->reading : call->attempt;
}

static bool is_hungry(const cbc_call *call) {
  for (size_t i = 0; i < call->request.part_count; i++) {
    const cbc_feed *feed = call->request.parts[i].feed;
    if (feed != NULL && feed->hungry) return true;
  }
  return false;
}

/* Pieces are handed over only from a reply that is being streamed: a collected
** one, or an error's, is used when whole. */
static bool has_piece(const cbc_call *call) {
  return call->request.stream && call->exchange.state == CBC_SEND &&
         cbc_transfer_streaming(call->attempt);
}

/* An attempt or a probe waits for its turn; its own time begins only then. */
static cbc_do next_before_sending(cbc_call *call) {
  const cbc_env *env = env_of(call);
  if (cbc_waiters_admit(&multi_of(call->client)->waiters, &call->waiter, false)) return CBC_DO_SEND;
  if (env->now(env->ud) < cbc_exchange_ends(&call->exchange)) return CBC_DO_WAIT;
  cancel(call, CBC_END_DEADLINE);
  return CBC_DO_FINISH;
}

static cbc_do next_on_the_wire(cbc_call *call) {
  cbc_transfer *x = cbc_call_transfer(call);
  if (!call->sending) return next_before_sending(call);
  if (has_piece(call)) return CBC_DO_TAKE;
  if (cbc_transfer_done(x)) return CBC_DO_REPLY;
  if (is_hungry(call)) return CBC_DO_FEED;
  return CBC_DO_WAIT;
}

/* Something is left to be sent or waited for, and the client is closed. A whole
** reply that came before is none of that. */
static bool is_cut_off(const cbc_call *call) {
  const cbc_exchange *x = &call->exchange;
  if (!cbc_client_closed(call->client) || x->state == CBC_READ || x->state == CBC_JUDGE)
    return false;
  return !call->sending || cbc_transfer_reply(cbc_call_transfer(call))->status == 0;
}

cbc_do cbc_call_next(cbc_call *call) {
  cbc_exchange *x = &call->exchange;
  if (x->state == CBC_DONE) return CBC_DO_FINISH;
  if (is_cut_off(call)) {
    cancel(call, CBC_END_CLOSED);
    return CBC_DO_FINISH;
  }
  if (x->state == CBC_PAUSE) {
    const cbc_env *env = env_of(call);
    if (env->now(env->ud) < x->resume_at) return CBC_DO_WAIT;
    cbc_exchange_resume(x);
  }
  if (x->state == CBC_DONE) return CBC_DO_FINISH;
  if (x->state == CBC_READ) return CBC_DO_READ;
  if (x->state == CBC_JUDGE) return CBC_DO_JUDGE;
  return next_on_the_wire(call);
}

cbc_code cbc_call_send(cbc_call *call, cbc_error *err) {
  const cbc_env *env = env_of(call);
  bool probing = call->exchange.state == CBC_PROBE;
  cbc_transfer **x = probing ? &call->reading : &call->attempt;
  /* Only a GET may be repeated without the exchange knowing. */
  bool once = !probing && strcmp(call->request.method, "GET") != 0;
  double now;
  cbc_code rc;
  if (cbc_client_closed(call->client)) return CBC_OK;
  if (*x == NULL && (*x = cbc_transport_acquire(cbc_client_transport(call->client), err)) == NULL)
    return err->code;
  now = env->now(env->ud);
  rc = cbc_transfer_start(*x, probing ? &call->probe : &call->request, now,
                          cbc_exchange_budget(&call->exchange, now), once, &call->waiter, err);
  call->sending = rc != CBC_ENOMEM;
  if (rc == CBC_ETRANSPORT || rc == CBC_EFILE) {
    /* An attempt that could not begin is over, and was never sent. */
    cbc_transfer_reply(*x)->error = *err;
    rc = CBC_OK;
  }
  return rc;
}

cbc_code cbc_call_wait(cbc_call *call, cbc_error *err) {
  const cbc_env *env = env_of(call);
  double seconds = CBC_WAIT_MOST;
  if (cbc_client_closed(call->client)) return CBC_OK;
  if (call->exchange.state == CBC_PAUSE) seconds = call->exchange.resume_at - env->now(env->ud);
  return cbc_transport_wait(cbc_client_transport(call->client), seconds, err);
}

bool cbc_call_admit(cbc_call *call) {
  if (cbc_client_closed(call->client) || call->exchange.state == CBC_PAUSE || call->sending)
    return false;
  return cbc_waiters_admit(&multi_of(call->client)->waiters, &call->waiter, true);
}

cbc_code cbc_call_kick(cbc_call *call, cbc_error *err) {
  if (cbc_client_closed(call->client)) return CBC_OK;
  return cbc_transport_kick(cbc_client_transport(call->client), err);
}

/* ==== Parking ========================================================= */

cbc_code cbc_call_park(cbc_call *call, bool task, cbc_error *err) {
  cbc_multi *m;
  double at = call->exchange.state == CBC_PAUSE ? call->exchange.resume_at
              : call->sending                   ? CBC_NEVER
                                                : cbc_exchange_ends(&call->exchange);
  if (cbc_client_closed(call->client))
    return cbc_error_set(err, CBC_ECLOSED, "the client is closed");
  m = multi_of(call->client);
  if (!cbc_waiters_park(&m->waiters, &call->waiter, at, task)) return cbc_error_nomem(err);
  /* It may have come meanwhile. */
  if (cbc_call_next(call) != CBC_DO_WAIT) cbc_call_wake(call);
  return CBC_OK;
}

void cbc_call_wake(cbc_call *call) {
  if (call->waiter.parked) cbc_waiters_wake(&multi_of(call->client)->waiters, &call->waiter);
}

void cbc_call_unpark(cbc_call *call) {
  if (call->waiter.parked) cbc_waiters_unpark(&multi_of(call->client)->waiters, &call->waiter);
}

cbc_call *cbc_call_next_parked(cbc_client *c, bool task) {
  cbc_waiter *w = NULL;
  if (!cbc_client_closed(c)) w = cbc_waiters_next(&multi_of(c)->waiters, task);
  return w != NULL ? (cbc_call *)(void *)((char *)w - offsetof(cbc_call, waiter)) : NULL;
}

/* ==== Replies ========================================================= */

void cbc_call_took(cbc_call *call) {
  const cbc_reply *reply = cbc_transfer_reply(cbc_call_transfer(call));
  cbc_attempt a = {.sent = reply->sent, .status = reply->status, .retry_after = reply->retry_after};
  if (reply->error.code == CBC_EFILE) {
    /* Further attempts would meet the same file. */
    cbc_call_abort(call, &reply->error);
    return;
  }
  call->sending = false;
  release(call);
  cbc_exchange_took(&call->exchange, &a, env_of(call));
}

void cbc_call_read(cbc_call *call, cbc_verdict verdict) {
  if (call->exchange.state == CBC_READ) cbc_exchange_read(&call->exchange, verdict, env_of(call));
}

void cbc_call_judge(cbc_call *call, cbc_verdict verdict) {
  if (call->exchange.state == CBC_JUDGE) cbc_exchange_judge(&call->exchange, verdict, env_of(call));
}

cbc_code cbc_call_resume(cbc_call *call, cbc_error *err) {
  cbc_transfer *x = cbc_call_transfer(call);
  for (size_t i = 0; i < call->request.part_count; i++)
    if (call->request.parts[i].feed != NULL) call->request.parts[i].feed->hungry = false;
  return x != NULL ? cbc_transfer_resume(x, err) : CBC_OK;
}
