/*
** cbl_action.c - carries out a row of the table of actions: arguments to
** request, request to call, reply to results or failure.
*/
#include "cbl_action.h"

#include <string.h>

#include "cbl_answer.h"
#include "cbl_arguments.h"
#include "cbl_call.h"
#include "cbl_results.h"
#include "cbl_shared.h"

/* ==== Request ========================================================= */

static cbc_repeat repeat_of(const cbl_action *action) {
  return action->confirm != NULL ? CBC_REPEAT_PROBED : cbc_exchange_repeat(action->method);
}

/* A route with a leading '^' stands below the endpoint rather than the
** collection. */
static void add_route(cbc_buffer *url, const char *base_uri, const char *route,
                      const cbc_segment *ids) {
  if (*route == '^')
    route++;
  else
    cbc_buffer_adds(url, base_uri);
  cbc_url_add_route(url, route, ids);
}

static void build_request(lua_State *L, cbl_job *job, const cbl_arguments *a) {
  cbc_request *r = &job->call->request;
  const cbl_action *action = a->action;
  r->method = action->method;
  add_route(&r->url, a->base_uri, action->route, a->ids);
  if (a->query != 0) {
    size_t n;
    const char *query = lua_tolstring(L, a->query, &n);
    cbc_buffer_adds(&r->url, "?");
    cbc_buffer_add(&r->url, query, n);
  }
  if (a->body != 0) {
    r->body = CBC_BODY_JSON;
    r->json = lua_tolstring(L, a->body, &r->json_size);
  }
  if (a->part_count > 0) {
    r->body = CBC_BODY_MULTIPART;
    memcpy(r->parts, a->parts, sizeof a->parts);
    r->part_count = a->part_count;
  }
  r->stream = cbl_files_has_target(&a->files);
  r->connect_timeout = a->limits.connect_timeout;
  job->progress = a->progress;
  if (r->url.failed) cbl_raise_nomem(L);
}

/* Points the confirming GET at the subject (see cbl_job). */
static void aim(lua_State *L, cbl_job *job) {
  const cbl_arguments *a = job->arguments;
  cbc_buffer *url = &job->call->probe.url;
  cbc_buffer_adds(url, cbc_client_endpoint(job->client->core));
  add_route(url, a->base_uri, a->action->confirm, &a->subject);
  if (url->failed) cbl_raise_nomem(L);
}

/* Tells the job what its confirmation is about. */
static void prepare_probe(cbl_job *job, const cbl_arguments *a) {
  if (a->action->confirm == NULL) return;
  job->aim = aim;
  job->arguments = a;
  job->subject = a->subject.bytes;
  job->subject_size = a->subject.size;
  job->billing_id = a->billing.bytes;
  job->billing_id_size = a->billing.size;
}

/* ==== Two routes ====================================================== */

/* What a call shows about its route. */
typedef enum route_state { ROUTE_SERVED, ROUTE_UNKNOWN, ROUTE_UNTOLD } route_state;

static route_state route_told(const cbl_job *job) {
  const cbc_exchange *x = &job->call->exchange;
  int status;
  if (x->end == CBC_END_REPLY || x->end == CBC_END_DENIED) return ROUTE_SERVED;
  if (x->end != CBC_END_STATUS || x->outcome != CBC_REJECTED) return ROUTE_UNTOLD;
  status = cbc_transfer_reply(job->call->attempt)->status;
  return status == 404 || status == 405 ? ROUTE_UNKNOWN : ROUTE_UNTOLD;
}

/* What is left of the call's deadline. */
static double time_left(const cbl_job *job) {
  const cbc_exchange *x = &job->call->exchange;
  const cbc_env *env = cbc_client_env(job->client->core);
  return x->policy.deadline - (env->now(env->ud) - x->started);
}

/* One route of an action, and what it showed. */
typedef struct trial {
  const cbl_action *action;
  double deadline; /* seconds; 0: that of the options */
  route_state told;
  double left; /* of the deadline, in seconds */
} trial;

/* Starts the call, unless a local file is missing: it is then over. */
static void start(cbl_job *job, cbl_arguments *a, const trial *t) {
  cbc_policy policy = cbl_limits_policy(&a->limits);
  if (t->deadline > 0) policy.deadline = t->deadline;
  if (a->files.error.code != CBC_OK)
    cbc_call_abort(job->call, &a->files.error);
  else
    cbc_call_start(job->call, &policy, repeat_of(a->action));
}

static int perform(lua_State *L, trial *t, const char *base_uri, int client, int first) {
  cbl_arguments a;
  cbl_job job = {.client = NULL};
  int n;
  cbl_arguments_read(L, &a, t->action, first, cbl_client_core(L, client));
  cbl_files_attach(&job, &a.files);
  cbl_call_begin(L, &job, client);
  a.base_uri = base_uri;
  build_request(L, &job, &a);
  prepare_probe(&job, &a);
  start(&job, &a, t);
  n = cbl_answer(L, &job, cbl_results_push, &a);
  t->told = route_told(&job);
  if (t->told == ROUTE_UNKNOWN) t->left = time_left(&job);
  return n;
}

int cbl_action_perform(lua_State *L, const cbl_action *action, const char *base_uri, int client,
                       int first) {
  cbl_client *c = lua_touserdata(L, client);
  trial t = {.action = action};
  int n, top = lua_gettop(L);
  if (action->otherwise != NULL && c->bulk == CBL_BULK_SINGLE) t.action = action->otherwise;
  n = perform(L, &t, base_uri, client, first);
  if (t.action->otherwise == NULL) return n;
  if (t.told == ROUTE_SERVED) c->bulk = CBL_BULK_LIST;
  if (t.told != ROUTE_UNKNOWN || c->bulk != CBL_BULK_UNKNOWN || t.left <= 0) return n;
  lua_settop(L, top);
  t = (trial){.action = action->otherwise, .deadline = t.left};
  n = perform(L, &t, base_uri, client, first);
  if (t.told == ROUTE_SERVED) c->bulk = CBL_BULK_SINGLE;
  return n;
}
