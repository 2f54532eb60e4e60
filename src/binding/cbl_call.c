/*
** cbl_call.c - drives a call for Lua.
*/
#include "cbl_call.h"

#include "cbl_aux.h"
#include "cbl_block.h"
#include "cbl_confirm.h"
#include "cbl_download.h"
#include "cbl_failure.h"
#include "cbl_hooks.h"
#include "cbl_job.h"
#include "cbl_parking.h"
#include "cbl_result.h"
#include "cbl_upload.h"

/* Errors of the transport end the call; out of memory is raised. */
static void check(lua_State *L, cbl_job *job, cbc_code rc, const cbc_error *err) {
  if (rc == CBC_OK || rc == CBC_EINTR) return;
  if (rc == CBC_ENOMEM) cbl_raise(L, err);
  cbc_call_abort(job->call, err);
}

/* ==== Steps =========================================================== */

/* Calls onProgress(done, total) when there is more done than the last time. */
static void report_progress(lua_State *L, cbl_job *job, int idx) {
  cbc_progress p;
  bool upload = cbl_job_uploads(job);
  double done, total;
  if (!cbl_job_has(job, CBL_JOB_PROGRESS) || job->call->attempt == NULL) return;
  cbc_transfer_progress(job->call->attempt, &p);
  done = upload ? p.sent : p.received;
  total = upload ? p.sent_total : p.received_total;
  /* What comes with another status is not the file. */
  if (done == job->progress_done || (!upload && p.status != 200)) return;
  job->progress_done = done;
  cbl_job_push_anchored(L, idx, CBL_JOB_PROGRESS);
  lua_pushinteger(L, (lua_Integer)done);
  if (total >= 0)
    lua_pushinteger(L, (lua_Integer)total);
  else
    lua_pushnil(L);
  lua_call(L, 2, 0);
}

/* Goes on after Lua code that dealt with a piece of a body. */
static void resume(lua_State *L, cbl_job *job) {
  cbc_error err;
  cbc_code rc = cbc_call_resume(job->call, &err);
  check(L, job, rc, &err);
}

static void do_send(lua_State *L, cbl_job *job, int idx) {
  cbc_error err;
  cbc_code rc;
  if (cbc_call_probing(job->call)) cbl_confirm_aim(L, job);
  cbl_hooks_before(L, idx);
  rc = cbc_call_send(job->call, &err);
  check(L, job, rc, &err);
}

/* An attempt, or a probe, is over. */
static void take_note(lua_State *L, cbl_job *job, int idx) {
  const cbc_error *err = &cbc_transfer_reply(cbc_call_transfer(job->call))->error;
  if (err->code == CBC_ENOMEM) cbl_raise(L, err);
  cbl_hooks_after(L, idx);
  cbc_call_took(job->call);
}

/* Pops the reason, which a failure will show. */
static void keep_reason(lua_State *L, int idx, int top, cbl_anchor place) {
  cbl_job_anchor(L, idx, place);
  lua_settop(L, top);
}

static void do_read(lua_State *L, cbl_job *job, int idx) {
  int top = lua_gettop(L);
  cbc_verdict verdict = cbl_result_read(L, idx);
  if (verdict != CBC_VERDICT_APPLIED) keep_reason(L, idx, top, CBL_JOB_REASON);
  cbc_call_read(job->call, verdict);
}

static void do_judge(lua_State *L, cbl_job *job, int idx) {
  int top = lua_gettop(L);
  cbc_verdict verdict = cbl_result_judge(L, idx);
  if (verdict != CBC_VERDICT_APPLIED) {
    lua_pushvalue(L, -1);
    cbl_job_anchor(L, idx, CBL_JOB_CONFIRMATION);
    if (verdict == CBC_VERDICT_CONFLICT || verdict == CBC_VERDICT_AMBIGUOUS)
      cbl_job_anchor(L, idx, CBL_JOB_REASON);
    lua_settop(L, top);
  }
  cbc_call_judge(job->call, verdict);
}

/* Does what one step asks for: all but waiting. */
static void do_step(lua_State *L, cbl_job *job, int idx, cbc_do what) {
  switch (what) {
  case CBC_DO_SEND:
    do_send(L, job, idx);
    break;
  case CBC_DO_TAKE:
    cbl_download_take(L, idx);
    report_progress(L, job, idx);
    resume(L, job);
    break;
  case CBC_DO_FEED:
    cbl_upload_give(L, idx);
    resume(L, job);
    break;
  case CBC_DO_REPLY:
    take_note(L, job, idx);
    break;
  case CBC_DO_READ:
    do_read(L, job, idx);
    break;
  case CBC_DO_JUDGE:
    do_judge(L, job, idx);
    break;
  case CBC_DO_WAIT:
  case CBC_DO_FINISH:
    break;
  }
}

/* ==== Two routes ====================================================== */

/* The service does not know the route, and may know the other one. */
static bool is_route_unknown(const cbl_job *job) {
  const cbc_exchange *x = &job->call->exchange;
  int status;
  if (job->endpoint->otherwise == NULL || job->client->bulk != CBL_BULK_UNKNOWN) return false;
  if (x->end != CBC_END_STATUS || x->outcome != CBC_REJECTED) return false;
  status = cbc_transfer_reply(job->call->attempt)->status;
  return (status == 404 || status == 405) && job->file_id.bytes != NULL;
}

/* Learns from a call that is over which of two routes the service has. */
static void learn_route(cbl_job *job) {
  cbc_end end = job->call->exchange.end;
  if (end != CBC_END_REPLY && end != CBC_END_REJECTED) return;
  if (job->endpoint->otherwise != NULL) job->client->bulk = CBL_BULK_LIST;
  if (job->second_route) job->client->bulk = CBL_BULK_SINGLE;
}

/* Begins again by the other route, with what is left of the deadline. The body
** of the first is a list of one object, which is the body of the second. False
** when no time is left. */
static bool start_second_route(lua_State *L, cbl_job *job) {
  cbc_call *call = job->call;
  const cbc_env *env = cbc_client_env(call->client);
  cbc_policy policy = call->exchange.policy;
  policy.deadline -= env->now(env->ud) - call->exchange.started;
  if (policy.deadline <= 0) return false;
  job->endpoint = job->endpoint->otherwise;
  job->second_route = true;
  cbc_buffer_reset(&call->request.url, call->request.url.capacity);
  cbc_buffer_adds(&call->request.url, cbc_client_endpoint(call->client));
  cbl_job_add_route(&call->request.url, job->class->base_uri, job->endpoint->route, &job->file_id);
  if (call->request.url.failed) cbl_raise_nomem(L);
  call->request.json++;
  call->request.json_size -= 2;
  cbc_call_start(call, &policy, call->exchange.repeat);
  call->exchange.reached = true; /* by the first route */
  return true;
}

/* ==== The whole call ================================================== */

/* Pushes the results of a call that is over. */
static int push_results(lua_State *L, cbl_job *job, int idx) {
  learn_route(job);
  if (job->call->exchange.outcome == CBC_APPLIED) return job->results;
  lua_pushnil(L);
  cbl_failure_push(L, idx);
  return 2;
}

/* Blocks until something happens, which may be nothing that the call can use. */
static void block(lua_State *L, cbl_job *job) {
  cbc_error err;
  cbc_code rc;
  if (cbc_call_admit(job->call)) return;
  rc = cbl_block_call(L, &job->client->live, job->call, &err);
  check(L, job, rc, &err);
}

/* Before a call waits: the request that was begun is written, which may be all that it
** takes. Returns whether there is still something to wait for. */
static bool must_wait(lua_State *L, cbl_job *job) {
  cbc_error err;
  cbc_code rc = cbc_call_kick(job->call, &err);
  check(L, job, rc, &err);
  return cbc_call_next(job->call) == CBC_DO_WAIT;
}

/* Pushes what suspends the running coroutine and its argument; false, pushing
** nothing, where the call has to block. */
static bool can_park(lua_State *L, cbl_job *job, int idx) {
  cbl_job_push_anchored(L, idx, CBL_JOB_CLIENT);
  /* Said first: the loop's functions run in there, and may end all. */
  job->parked = true;
  job->parked = cbl_parking_enter(L, lua_gettop(L), job->call);
  lua_remove(L, job->parked ? -3 : -1);
  return job->parked;
}

static int drive(lua_State *L, int idx);

/* The coroutine goes on, or an error passes. ctx: the job's index. */
static int go_on(lua_State *L, int status, lua_KContext ctx) {
  int idx = (int)ctx;
  cbl_job *job = lua_touserdata(L, idx);
  /* A finalizer may resume what was collected together with it. */
  if (job->call == NULL) return luaL_error(L, "the call was collected");
  job->running = true;
  cbl_job_unpark(L, idx);
  if (status != LUA_OK && status != LUA_YIELD) return lua_error(L);
  report_progress(L, job, idx);
  return drive(L, idx);
}

/* One step after the other. The only place where a call waits: it leaves from here,
** and comes back through go_on. */
static int drive(lua_State *L, int idx) {
  cbl_job *job = lua_touserdata(L, idx);
  for (;;) {
    cbc_do what = cbc_call_next(job->call);
    if (what == CBC_DO_WAIT) {
      bool yieldable = lua_isyieldable(L);
      bool ready = !must_wait(L, job);
      /* A call that parks though it can go on lets the host get on. */
      if (ready && !cbc_client_overstays(job->call->client)) continue;
      if (yieldable && can_park(L, job, idx)) {
        /* Protected, because an error leaves a coroutine as it is. */
        job->running = false;
        lua_pcallk(L, 1, 0, 0, idx, go_on);
        job->running = true;
        cbl_job_unpark(L, idx);
      } else if (!ready) {
        block(L, job);
      }
      report_progress(L, job, idx);
    } else if (what != CBC_DO_FINISH) {
      do_step(L, job, idx, what);
    } else if (!is_route_unknown(job) || !start_second_route(L, job)) {
      return push_results(L, job, idx);
    }
  }
}

int cbl_call_run(lua_State *L, int idx) {
  cbl_job *job = lua_touserdata(L, idx);
  luaL_checkstack(L, 20, "no room for a call");
  if (job->file_error.code != CBC_OK) cbc_call_abort(job->call, &job->file_error);
  return drive(L, idx);
}
