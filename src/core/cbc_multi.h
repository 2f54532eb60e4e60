/*
** cbc_multi.h - a libcurl multi handle whose sockets and timer are watched here:
** the one place that waits, and the one that a descriptor for a host's loop would
** be added to.
*/
#ifndef CBC_MULTI_H
#define CBC_MULTI_H

#include <curl/curl.h>
#include <stdbool.h>

#include "cbc_env.h"
#include "cbc_error.h"
#include "cbc_sockets.h"

typedef struct cbc_multi {
  const cbc_env *env;
  CURLM *handle;      /* owned */
  cbc_sockets opened; /* of all connections */
  struct pollfd *fds; /* what libcurl waits for; owned */
  size_t count, capacity;
  double timer; /* when libcurl wants to be called, by env's clock; < 0: never */
  /* Called with ud for an easy handle that is done, and for one whose socket there
  ** was no memory to wait for. Neither may end the multi handle. */
  void (*finished)(void *ud, CURL *easy, CURLcode result);
  void (*unwatched)(void *ud, CURL *easy);
  void *ud;
} cbc_multi;

/* A multi handle with at most so many connections at once. CBC_OK or CBC_ENOMEM;
** in both cases cbc_multi_free ends it. env must outlive it. The caller sets
** finished, unwatched and ud. */
cbc_code cbc_multi_init(cbc_multi *m, const cbc_env *env, long max_connections);

/* Closes every connection. Its easy handles must have been removed. */
void cbc_multi_free(cbc_multi *m);

/* Waits until something happens to a handle, at most the given seconds, and lets
** libcurl act on it. Returns CBC_OK, also when nothing happened; CBC_EINTR when a
** signal came; CBC_ENOMEM; CBC_ETRANSPORT when poll(2) or libcurl failed. */
cbc_code cbc_multi_wait(cbc_multi *m, double seconds, cbc_error *err);

/* The longest that cbc_multi_wait blocks, in seconds: a signal that came just
** before it is noticed after this time. */
#define CBC_WAIT_MOST 0.05

/* CURLMOPT_SOCKETFUNCTION, with the cbc_multi for ud: begins or ends to wait for
** a socket. It never fails, which would end every transfer of the multi handle:
** when out of memory, it calls unwatched for the handle whose socket it is. */
int cbc_multi_watch(CURL *easy, curl_socket_t s, int what, void *ud, void *socketp);

#endif
