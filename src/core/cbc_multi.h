/*
** cbc_multi.h - a libcurl multi handle whose sockets and timer are watched here:
** the one place that waits, with poll(2) as long as nobody asks for a descriptor,
** else with that.
*/
#ifndef CBC_MULTI_H
#define CBC_MULTI_H

#include <curl/curl.h>
#include <stdbool.h>

#include "cbc_env.h"
#include "cbc_error.h"
#include "cbc_poller.h"
#include "cbc_sockets.h"
#include "cbc_waiters.h"

typedef struct cbc_multi {
  const cbc_env *env;
  CURLM *handle;      /* owned */
  long most;          /* connections at once */
  bool broken;        /* libcurl was out of memory in it: cbc_multi_renew is to come */
  cbc_sockets opened; /* of all connections */
  struct pollfd *fds; /* what libcurl waits for, until the poller is open; owned */
  size_t count, capacity;
  double timer; /* when libcurl wants to be called, by env's clock; < 0: never */
  cbc_poller poller;
  bool hosted;         /* somebody else waits for the poller's descriptor */
  double stepped;      /* when he last called cbc_multi_step, by env's clock */
  cbc_waiters waiters; /* who waits parked for a transfer of this handle */
  /* Called with ud for an easy handle that is done, and for one whose socket there
  ** was no memory to wait for. Neither may end the multi handle. */
  void (*finished)(void *ud, CURL *easy, CURLcode result);
  void (*unwatched)(void *ud, CURL *easy);
  void *ud;
} cbc_multi;

/* For at most so many connections at once; cbc_multi_free ends it. env must outlive it.
** The caller sets finished, unwatched and ud. */
void cbc_multi_init(cbc_multi *m, const cbc_env *env, long max_connections);

/* Makes its multi handle. CBC_OK or CBC_ENOMEM. */
cbc_code cbc_multi_open(cbc_multi *m);

/* After libcurl was out of memory, which leaves its list of sockets in disorder: a new
** multi handle, without the connections of the old one, whose easy handles must have
** been removed. CBC_OK or CBC_ENOMEM: then it is as before. */
cbc_code cbc_multi_renew(cbc_multi *m);

/* Closes every connection and the descriptor. Its easy handles must have been
** removed; nobody may be parked. */
void cbc_multi_free(cbc_multi *m);

/* CURLOPT_OPENSOCKETFUNCTION's and CURLOPT_CLOSESOCKETFUNCTION's work: a socket that
** is closed on exec, or -1 and errno; and its end, as close(2). */
int cbc_multi_open_socket(cbc_multi *m, int family, int type, int protocol);
int cbc_multi_close_socket(cbc_multi *m, int fd);

/* Waits until something happens to a handle, at most the given seconds, and lets
** libcurl act on it. Returns CBC_OK, also when nothing happened; CBC_EINTR when a
** signal came; CBC_ENOMEM; CBC_ETRANSPORT when poll(2) or libcurl failed. */
cbc_code cbc_multi_wait(cbc_multi *m, double seconds, cbc_error *err);

/* As cbc_multi_wait, without blocking: lets libcurl act on all that is due. Never
** CBC_EINTR. cbc_multi_arm is to follow. */
cbc_code cbc_multi_step(cbc_multi *m, cbc_error *err);

/* True when a host waits for the descriptor, and has not stepped for CBC_STRETCH
** seconds. */
bool cbc_multi_overstays(const cbc_multi *m);

/* Lets libcurl act if it is due by the clock: what was begun is written. Returns as
** above. */
cbc_code cbc_multi_kick(cbc_multi *m, cbc_error *err);

/* Opens the descriptor that is waited with from now on. CBC_OK; CBC_ETRANSPORT when
** the system has none left; CBC_ENOMEM. */
cbc_code cbc_multi_open_poller(cbc_multi *m, cbc_error *err);

/* When libcurl is due, or one who is parked, by env's clock; < 0: never. */
double cbc_multi_due(const cbc_multi *m);

/* For a host that waits for the descriptor: makes it readable as soon as something is
** due, or somebody can go on. Does nothing without a host. */
void cbc_multi_arm(cbc_multi *m);

/* The longest that cbc_multi_wait blocks, in seconds: a signal that came just
** before it is noticed after this time. */
#define CBC_WAIT_MOST 0.05

/* For how long those who can go on do so before their host gets on, in seconds. */
#define CBC_STRETCH 0.002

/* CURLMOPT_SOCKETFUNCTION, with the cbc_multi for ud: begins or ends to wait for
** a socket. It never fails, which would end every transfer of the multi handle:
** when out of memory, it calls unwatched for the handle whose socket it is. */
int cbc_multi_watch(CURL *easy, curl_socket_t s, int what, void *ud, void *socketp);

#endif
