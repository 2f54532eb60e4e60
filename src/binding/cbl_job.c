/*
** cbl_job.c - the userdata of one call.
*/
#include "cbl_job.h"

#include "cbl_aux.h"
#include "cbl_parking.h"

#define JOB "cloudblue.Call"

/* Lets go of what C pointed into. */
static void drop_anchors(lua_State *L, cbl_job *job) {
  for (int place = CBL_JOB_CLIENT + 1; job->anchored != 0; place++) {
    unsigned bit = 1U << place;
    if ((job->anchored & bit) == 0) continue;
    job->anchored &= ~bit;
    lua_pushnil(L);
    lua_setiuservalue(L, 1, place);
  }
}

void cbl_job_unpark(lua_State *L, int idx) {
  cbl_job *job = lua_touserdata(L, idx);
  if (!job->parked) return;
  job->parked = false;
  lua_getiuservalue(L, idx, CBL_JOB_CLIENT);
  cbl_parking_leave(L, lua_gettop(L), job->call);
  lua_pop(L, 1);
}

/* Ends the call, which is parked still when its coroutine was closed, or collected. What
** it had, others may have waited for. */
static void end(lua_State *L, cbl_job *job) {
  const cbl_live *client = &job->client->live;
  cbl_job_unpark(L, 1);
  cbc_call_end(job->call);
  if (client->parked > 0 && client->core != NULL) cbc_client_arm(client->core);
}

/* True in a finalizer, where the collector does not run; and where the program has stopped
** it. A job may wait there for a finalizer of its own, which is not to come in the middle
** of its next call. */
static bool is_finalizing(lua_State *L) {
  return lua_gc(L, LUA_GCISRUNNING) != 1;
}

/* The job leaves the stack: its call is over, and the next one may have it. Upvalue: the
** metatable. */
static int job_close(lua_State *L) {
  cbl_job *job = cbl_checkown(L, 1, JOB);
  if (job->call != NULL) end(L, job);
  drop_anchors(L, job);
  job->running = false;
  if (is_finalizing(L)) {
    cbc_call_free(job->call);
    job->call = NULL;
  } else {
    lua_getiuservalue(L, 1, CBL_JOB_CLIENT);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, CBL_SPARE_JOB);
  }
  return 0;
}

static bool is_main(lua_State *L) {
  bool main = lua_pushthread(L) == 1;
  lua_pop(L, 1);
  return main;
}

/* A job that was collected may be in use again, by what another finalizer kept. What runs
** in a coroutine calls no finalizers in the main thread, but when the state is closed:
** then it does not go on. Nor does a coroutine that an error has ended, which is found
** out when the job is collected again. */
static bool may_be_in_use(lua_State *L, const cbl_job *job) {
  return job->running && !job->deferred && (job->in_main || !is_main(L));
}

static int job_gc(lua_State *L) {
  cbl_job *job = luaL_checkudata(L, 1, JOB);
  cbc_call *call = job->call;
  if (call == NULL) return 0;
  if (may_be_in_use(L, job)) {
    job->deferred = true;
    luaL_setmetatable(L, JOB);
    return 0;
  }
  end(L, job);
  job->call = NULL;
  cbc_call_free(call);
  return 0;
}

void cbl_job_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"__gc", job_gc}, {NULL, NULL}};
  cbl_type_begin(L, JOB, functions);
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, job_close, 1);
  lua_setfield(L, -2, "__close");
  cbl_type_end(L, JOB);
}

/* Pushes a job whose call has ended, the client's spare one, or a new one without a
** call. */
static cbl_job *push_idle(lua_State *L, int client) {
  cbl_job *job;
  if (lua_getiuservalue(L, client, CBL_SPARE_JOB) == LUA_TUSERDATA) {
    lua_pushnil(L);
    lua_setiuservalue(L, client, CBL_SPARE_JOB);
    job = lua_touserdata(L, -1);
    /* Its finalizer has come: with the metatable it gets another. */
    if (job->call == NULL) luaL_setmetatable(L, JOB);
    return job;
  }
  lua_pop(L, 1);
  job = lua_newuserdatauv(L, sizeof *job, CBL_JOB_ANCHORS);
  job->call = NULL;
  luaL_setmetatable(L, JOB);
  lua_pushvalue(L, client);
  lua_setiuservalue(L, -2, CBL_JOB_CLIENT);
  return job;
}

cbl_job *cbl_job_push(lua_State *L, int client, const cbl_class *class,
                      const cbl_endpoint *endpoint) {
  cbc_error err;
  cbl_job *job = push_idle(L, client);
  /* Behind what may run a finalizer: the client's, too. */
  cbc_client *core = cbl_client_core(L, client);
  cbc_call *call = job->call;
  *job = (cbl_job){.call = call,
                   .client = lua_touserdata(L, client),
                   .class = class,
                   .endpoint = endpoint,
                   .download.attempt = -1,
                   .running = true,
                   .in_main = is_main(L)};
  lua_toclose(L, -1);
  if (call == NULL)
    call = job->call = cbc_call_new(core, &err);
  else if (cbc_call_renew(call, &err) != CBC_OK)
    call = NULL;
  if (call == NULL) cbl_raise(L, &err);
  return job;
}

void cbl_job_anchor(lua_State *L, int idx, cbl_anchor place) {
  cbl_job *job = lua_touserdata(L, idx);
  job->anchored |= 1U << place;
  lua_setiuservalue(L, idx, (int)place);
}

void cbl_job_take_body(lua_State *L, int idx) {
  const cbl_job *job = lua_touserdata(L, idx);
  cbc_request *r = &job->call->request;
  r->body = CBC_BODY_JSON;
  r->json = lua_tolstring(L, -1, &r->json_size);
  cbl_job_anchor(L, idx, CBL_JOB_BODY);
}

void cbl_job_take_text(lua_State *L, cbl_job *job) {
  cbc_request *r = &job->call->request;
  if (r->text.failed) cbl_raise_nomem(L);
  r->body = CBC_BODY_JSON;
  r->json = r->text.data;
  r->json_size = r->text.size;
}

int cbl_job_push_anchored(lua_State *L, int idx, cbl_anchor place) {
  return lua_getiuservalue(L, idx, (int)place);
}

bool cbl_job_has(const cbl_job *job, cbl_anchor place) {
  return (job->anchored & 1U << place) != 0;
}

bool cbl_job_uploads(const cbl_job *job) {
  return job->call->request.body == CBC_BODY_MULTIPART;
}

void cbl_job_add_route(cbc_buffer *url, const char *base_uri, const char *route,
                       const cbc_segment *ids) {
  if (*route == '^')
    route++;
  else
    cbc_buffer_adds(url, base_uri);
  cbc_url_add_route(url, route, ids);
}
