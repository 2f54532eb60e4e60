/*
** scene.h - a server that says what it is told to (loopback.h), a transport to it,
** and one transfer with its request, for the tests of what goes over the wire.
** Each function fails the test when something in it does.
*/
#ifndef SCENE_H
#define SCENE_H

#include "testenv.h"

#include "cbc_transfer_impl.h"
#include "cbc_transport.h"
#include "loopback.h"

/* Seconds after which a test that hangs gives up. */
#define PATIENCE 20.0

#define SCENE_KEY "ApiKey SU-000-000-000:s3cret"

/* The limit of a reply, in bytes. */
#define SCENE_MOST 1000

typedef struct scene {
  testenv t; /* on the real clock */
  loopback *server;
  char origin[64]; /* of its URLs */
  cbc_transport *transport;
  cbc_transfer *x;
  cbc_request r;
  cbc_error err;
} scene;

/* Sets the scene: the n-th request meets the n-th step, further ones the last.
** The steps must stay. */
void scene_open(scene *s, const loopback_step *steps, size_t count);

/* The same, for a server whose host is called so. */
void scene_open_at(scene *s, const char *host, const loopback_step *steps, size_t count);

/* Ends it. Fails the test when memory, or the key in it, is left. */
void scene_close(scene *s);

/* The request from now on: method and path, no body. */
void scene_describe(scene *s, const char *method, const char *path);

/* Gives it a body, which must stay. */
void scene_json(scene *s, const char *json);

/* Begins to send it. */
void scene_start(scene *s, double timeout, bool once);

/* Waits until the transfer is ready in that sense, at most PATIENCE. */
void scene_wait(scene *s, bool (*ready)(const cbc_transfer *));

/* Sends it, as often as libcurl likes, and waits for the end. */
cbc_reply *scene_perform(scene *s);

/* Fails the test unless the reply's body is that text. */
void scene_assert_body(scene *s, const char *expected);

#endif
