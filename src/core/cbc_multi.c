/*
** cbc_multi.c - sockets, timer and waiting.
*/
#include "cbc_multi.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define INITIAL_SOCKETS 4

/* Most events of the poller that are acted on in one step. */
#define STEP_EVENTS 64

/* ==== What libcurl wants ============================================== */

static struct pollfd *find_socket(cbc_multi *m, curl_socket_t s) {
  for (size_t i = 0; i < m->count; i++)
    if (m->fds[i].fd == s) return &m->fds[i];
  return NULL;
}

static struct pollfd *add_socket(cbc_multi *m, curl_socket_t s) {
  if (m->count == m->capacity) {
    size_t capacity = m->capacity != 0 ? 2 * m->capacity : INITIAL_SOCKETS;
    struct pollfd *grown =
        cbc_realloc(m->env, m->fds, m->capacity * sizeof *grown, capacity * sizeof *grown);
    if (grown == NULL) return NULL;
    m->fds = grown;
    m->capacity = capacity;
  }
  m->fds[m->count] = (struct pollfd){.fd = s};
  return &m->fds[m->count++];
}

static bool watch_by_list(cbc_multi *m, curl_socket_t s, int what) {
  struct pollfd *p = find_socket(m, s);
  if (what == CURL_POLL_REMOVE) {
    if (p != NULL) *p = m->fds[--m->count];
    return true;
  }
  if (p == NULL && (p = add_socket(m, s)) == NULL) return false;
  p->events =
      (short)(((what & CURL_POLL_IN) ? POLLIN : 0) | ((what & CURL_POLL_OUT) ? POLLOUT : 0));
  return true;
}

static bool watch_by_poller(cbc_multi *m, curl_socket_t s, int what) {
  int events = what == CURL_POLL_REMOVE ? 0
                                        : ((what & CURL_POLL_IN) ? CBC_POLL_IN : 0) |
                                              ((what & CURL_POLL_OUT) ? CBC_POLL_OUT : 0);
  return cbc_poller_watch(&m->poller, s, events);
}

int cbc_multi_watch(CURL *easy, curl_socket_t s, int what, void *ud, void *socketp) {
  cbc_multi *m = ud;
  bool ok = m->poller.fd >= 0 ? watch_by_poller(m, s, what) : watch_by_list(m, s, what);
  (void)socketp;
  if (!ok && what != CURL_POLL_REMOVE) m->unwatched(m->ud, easy);
  return 0;
}

/* CURLMOPT_TIMERFUNCTION. */
static int on_timer(CURLM *handle, long milliseconds, void *ud) {
  cbc_multi *m = ud;
  (void)handle;
  m->timer = milliseconds < 0    ? -1
             : milliseconds == 0 ? 0
                                 : m->env->now(m->env->ud) + (double)milliseconds / 1e3;
  return 0;
}

/* ==== Beginning and end =============================================== */

static CURLMcode set_options(cbc_multi *m) {
  CURLMcode rc = curl_multi_setopt(m->handle, CURLMOPT_SOCKETFUNCTION, cbc_multi_watch);
  if (rc == CURLM_OK) rc = curl_multi_setopt(m->handle, CURLMOPT_SOCKETDATA, m);
  if (rc == CURLM_OK) rc = curl_multi_setopt(m->handle, CURLMOPT_TIMERFUNCTION, on_timer);
  if (rc == CURLM_OK) rc = curl_multi_setopt(m->handle, CURLMOPT_TIMERDATA, m);
  if (rc == CURLM_OK) rc = curl_multi_setopt(m->handle, CURLMOPT_MAXCONNECTS, m->most);
  if (rc == CURLM_OK) rc = curl_multi_setopt(m->handle, CURLMOPT_MAX_TOTAL_CONNECTIONS, m->most);
  return rc;
}

void cbc_multi_init(cbc_multi *m, const cbc_env *env, long max_connections) {
  *m = (cbc_multi){.env = env, .timer = -1, .most = max_connections};
  cbc_sockets_init(&m->opened, env);
  cbc_poller_init(&m->poller, env);
  cbc_waiters_init(&m->waiters, env, max_connections > 0 ? (size_t)max_connections : SIZE_MAX);
}

cbc_code cbc_multi_open(cbc_multi *m) {
  m->handle = curl_multi_init();
  return m->handle != NULL && set_options(m) == CURLM_OK ? CBC_OK : CBC_ENOMEM;
}

cbc_code cbc_multi_renew(cbc_multi *m) {
  CURLM *old = m->handle;
  m->handle = curl_multi_init();
  if (m->handle == NULL || set_options(m) != CURLM_OK) {
    curl_multi_cleanup(m->handle);
    m->handle = old;
    return CBC_ENOMEM;
  }
  curl_multi_cleanup(old);
  m->timer = -1;
  m->broken = false;
  return CBC_OK;
}

void cbc_multi_free(cbc_multi *m) {
  curl_multi_cleanup(m->handle);
  cbc_free(m->env, m->fds, m->capacity * sizeof *m->fds);
  cbc_sockets_free(&m->opened);
  cbc_poller_close(&m->poller);
  cbc_waiters_free(&m->waiters);
}

int cbc_multi_open_socket(cbc_multi *m, int family, int type, int protocol) {
  int fd = cbc_sockets_open(&m->opened, family, type, protocol);
  if (fd >= 0) cbc_poller_keep(&m->poller, fd);
  return fd;
}

int cbc_multi_close_socket(cbc_multi *m, int fd) {
  cbc_poller_forget(&m->poller, fd);
  return cbc_sockets_close(&m->opened, fd);
}

/* Moves what is waited for from the list into the poller. */
static bool hand_over(cbc_multi *m) {
  for (size_t i = 0; i < m->count; i++) {
    short events = m->fds[i].events;
    if (!cbc_poller_watch(&m->poller, m->fds[i].fd,
                          ((events & POLLIN) ? CBC_POLL_IN : 0) |
                              ((events & POLLOUT) ? CBC_POLL_OUT : 0)))
      return false;
  }
  m->count = 0;
  return true;
}

cbc_code cbc_multi_open_poller(cbc_multi *m, cbc_error *err) {
  cbc_code rc;
  if (m->poller.fd >= 0) return CBC_OK;
  if ((rc = cbc_poller_open(&m->poller, err)) != CBC_OK) return rc;
  if (hand_over(m)) return CBC_OK;
  cbc_poller_close(&m->poller);
  return cbc_error_nomem(err);
}

/* ==== Waiting ========================================================= */

/* A socket that libcurl has closed meanwhile is no error: the others are still to be
** acted on. */
static CURLMcode act(cbc_multi *m, curl_socket_t s, int events) {
  int running;
  CURLMcode rc = curl_multi_socket_action(m->handle, s, events, &running);
  return rc == CURLM_BAD_SOCKET ? CURLM_OK : rc;
}

static CURLMcode act_on_sockets(cbc_multi *m) {
  CURLMcode rc = CURLM_OK;
  /* Backwards: libcurl may take entries away meanwhile, and the last one moves
  ** into the gap. */
  for (size_t i = m->count; i-- > 0 && rc == CURLM_OK;) {
    short events;
    if (i >= m->count) continue;
    events = m->fds[i].revents;
    m->fds[i].revents = 0;
    if (events == 0) continue;
    rc = act(m, m->fds[i].fd,
             ((events & (POLLIN | POLLHUP)) ? CURL_CSELECT_IN : 0) |
                 ((events & POLLOUT) ? CURL_CSELECT_OUT : 0) |
                 ((events & (POLLERR | POLLNVAL)) ? CURL_CSELECT_ERR : 0));
  }
  return rc;
}

static void collect_finished(cbc_multi *m) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(m->handle, &left)) != NULL) {
    CURL *easy = message->easy_handle;
    CURLcode result = message->data.result;
    if (message->msg == CURLMSG_DONE) m->finished(m->ud, easy, result);
  }
}

/* Lets libcurl act on what the poller reports. */
static CURLMcode act_on_events(cbc_multi *m) {
  cbc_event events[STEP_EVENTS];
  CURLMcode rc = CURLM_OK;
  int n = cbc_poller_read(&m->poller, events, STEP_EVENTS);
  for (int i = 0; i < n && rc == CURLM_OK; i++)
    rc = act(m, events[i].fd,
             ((events[i].events & CBC_POLL_IN) ? CURL_CSELECT_IN : 0) |
                 ((events[i].events & CBC_POLL_OUT) ? CURL_CSELECT_OUT : 0) |
                 ((events[i].events & CBC_POLL_ERR) ? CURL_CSELECT_ERR : 0));
  return rc;
}

static bool is_due(const cbc_multi *m, double now) {
  return m->timer >= 0 && m->timer <= now;
}

static CURLMcode act_on_time(cbc_multi *m) {
  m->timer = -1;
  return act(m, CURL_SOCKET_TIMEOUT, 0);
}

/* The earlier of two times, of which < 0 is never. */
static double earlier(double a, double b) {
  return a < 0 || (b >= 0 && b < a) ? b : a;
}

double cbc_multi_due(const cbc_multi *m) {
  return earlier(m->timer, cbc_waiters_due(&m->waiters));
}

void cbc_multi_arm(cbc_multi *m) {
  bool ready = cbc_waiters_ready(&m->waiters, false) || cbc_waiters_ready(&m->waiters, true);
  if (m->hosted && m->poller.fd >= 0) cbc_poller_arm(&m->poller, ready ? 0 : cbc_multi_due(m));
}

/* After libcurl acted: takes note of what is done and of whose time has come. */
static cbc_code settle(cbc_multi *m, CURLMcode rc, cbc_error *err) {
  collect_finished(m);
  if (m->waiters.timed > 0) cbc_waiters_expire(&m->waiters, m->env->now(m->env->ud));
  if (rc == CURLM_OUT_OF_MEMORY) {
    m->broken = true;
    return cbc_error_nomem(err);
  }
  if (rc != CURLM_OK)
    return cbc_error_set(err, CBC_ETRANSPORT, "libcurl: %s", curl_multi_strerror(rc));
  return CBC_OK;
}

cbc_code cbc_multi_kick(cbc_multi *m, cbc_error *err) {
  if (m->timer < 0 || (m->timer > 0 && !is_due(m, m->env->now(m->env->ud)))) return CBC_OK;
  return settle(m, act_on_time(m), err);
}

cbc_code cbc_multi_step(cbc_multi *m, cbc_error *err) {
  CURLMcode rc = CURLM_OK;
  m->stepped = m->env->now(m->env->ud);
  if (is_due(m, m->stepped)) rc = act_on_time(m);
  if (rc == CURLM_OK && m->poller.fd >= 0) rc = act_on_events(m);
  return settle(m, rc, err);
}

bool cbc_multi_overstays(const cbc_multi *m) {
  return m->hosted && m->env->now(m->env->ud) - m->stepped > CBC_STRETCH;
}

/* How long poll may block, in milliseconds, rounded up so that what is due by the
** clock is due when it returns. */
static int poll_time(const cbc_multi *m, double now, double seconds) {
  double at = cbc_multi_due(m);
  if (seconds > CBC_WAIT_MOST) seconds = CBC_WAIT_MOST;
  if (at >= 0 && at - now < seconds) seconds = at - now;
  return seconds <= 0 ? 0 : (int)ceil(seconds * 1e3);
}

/* Blocks, and lets libcurl act on what came; -1 and errno when poll failed. */
static int block(cbc_multi *m, int milliseconds, CURLMcode *rc) {
  struct pollfd whole = {.fd = m->poller.fd, .events = POLLIN};
  int ready;
  if (m->poller.fd < 0) {
    ready = m->env->wait(m->env->ud, m->fds, (nfds_t)m->count, milliseconds);
    if (ready > 0) *rc = act_on_sockets(m);
  } else {
    /* What only a host can wake must not end this wait. */
    cbc_poller_disarm(&m->poller);
    ready = m->env->wait(m->env->ud, &whole, 1, milliseconds);
    if (ready > 0) *rc = act_on_events(m);
  }
  return ready;
}

cbc_code cbc_multi_wait(cbc_multi *m, double seconds, cbc_error *err) {
  CURLMcode rc = CURLM_OK;
  double now = m->timer == 0 ? 0 : m->env->now(m->env->ud);
  int ready = 0;
  cbc_code code;
  if (is_due(m, now))
    rc = act_on_time(m);
  else
    ready = block(m, poll_time(m, now, seconds), &rc);
  if (ready < 0)
    code = errno == EINTR ? CBC_EINTR
                          : cbc_error_set(err, CBC_ETRANSPORT, "poll failed: %s", strerror(errno));
  else
    code = settle(m, rc, err);
  cbc_multi_arm(m);
  return code;
}
