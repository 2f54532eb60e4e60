/*
** scene.c - a server, a transport to it, and a transfer.
*/
#include "scene.h"

#include <stdio.h>
#include <string.h>

void scene_open_at(scene *s, const char *host, const loopback_step *steps, size_t count) {
  static const cbc_field more = {"X-Client", "c"};
  loopback *server = loopback_start(steps, count);
  cbc_options o = {.key = SCENE_KEY,
                   .user_agent = "test/1",
                   .headers = &more,
                   .header_count = 1,
                   .connect_timeout = 5,
                   .max_response = SCENE_MOST,
                   .max_connections = 4,
                   .plain = true};
  snprintf(s->origin, sizeof s->origin, "http://%s%s", host, strrchr(loopback_url(server), ':'));
  o.origin = s->origin;
  o.origin_size = strlen(s->origin);
  s->server = server;
  testenv_init(&s->t);
  s->t.clock = -1;
  s->t.secret = "s3cret";
  s->transport = cbc_transport_new(&s->t.env, &o, &s->err);
  assert_non_null(s->transport);
  s->x = cbc_transport_acquire(s->transport, &s->err);
  assert_non_null(s->x);
  cbc_request_init(&s->r, &s->t.env);
}

void scene_open(scene *s, const loopback_step *steps, size_t count) {
  scene_open_at(s, "127.0.0.1", steps, count);
}

void scene_close(scene *s) {
  cbc_transport_release(s->x);
  cbc_transport_free(s->transport);
  cbc_request_free(&s->r);
  loopback_stop(s->server);
  testenv_check(&s->t);
}

void scene_describe(scene *s, const char *method, const char *path) {
  cbc_request_reset(&s->r);
  s->r.method = method;
  cbc_buffer_adds(&s->r.url, s->origin);
  cbc_buffer_adds(&s->r.url, path);
}

void scene_json(scene *s, const char *json) {
  s->r.body = CBC_BODY_JSON;
  s->r.json = json;
  s->r.json_size = strlen(json);
}

void scene_start(scene *s, double timeout, bool once) {
  assert_int_equal(
      cbc_transfer_start(s->x, &s->r, s->t.env.now(&s->t), timeout, once, NULL, &s->err), CBC_OK);
}

void scene_wait(scene *s, bool (*ready)(const cbc_transfer *)) {
  double begun = s->t.env.now(&s->t);
  while (!ready(s->x)) {
    assert_int_equal(cbc_transport_wait(s->transport, 1, &s->err), CBC_OK);
    assert_true(s->t.env.now(&s->t) - begun < PATIENCE);
  }
}

cbc_reply *scene_perform(scene *s) {
  scene_start(s, PATIENCE, false);
  scene_wait(s, cbc_transfer_done);
  return cbc_transfer_reply(s->x);
}

void scene_assert_body(scene *s, const char *expected) {
  const cbc_buffer *body = &cbc_transfer_reply(s->x)->body;
  assert_int_equal(body->size, strlen(expected));
  if (body->size > 0) assert_memory_equal(body->data, expected, body->size);
}
