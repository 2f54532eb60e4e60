/*
** cbc_multi.c - sockets, timer and waiting.
*/
#include "cbc_multi.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define INITIAL_SOCKETS 4

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

int cbc_multi_watch(CURL *easy, curl_socket_t s, int what, void *ud, void *socketp) {
  cbc_multi *m = ud;
  struct pollfd *p = find_socket(m, s);
  (void)socketp;
  if (what == CURL_POLL_REMOVE) {
    if (p != NULL) *p = m->fds[--m->count];
    return 0;
  }
  if (p == NULL) p = add_socket(m, s);
  if (p != NULL) {
    p->events =
        (short)(((what & CURL_POLL_IN) ? POLLIN : 0) | ((what & CURL_POLL_OUT) ? POLLOUT : 0));
  } else {
    m->unwatched(m->ud, easy);
  }
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

static CURLMcode set_options(cbc_multi *m, long max_connections) {
  CURLMcode rc = curl_multi_setopt(m->handle, CURLMOPT_SOCKETFUNCTION, cbc_multi_watch);
  if (rc == CURLM_OK) rc = curl_multi_setopt(m->handle, CURLMOPT_SOCKETDATA, m);
  if (rc == CURLM_OK) rc = curl_multi_setopt(m->handle, CURLMOPT_TIMERFUNCTION, on_timer);
  if (rc == CURLM_OK) rc = curl_multi_setopt(m->handle, CURLMOPT_TIMERDATA, m);
  if (rc == CURLM_OK) rc = curl_multi_setopt(m->handle, CURLMOPT_MAXCONNECTS, max_connections);
  if (rc == CURLM_OK)
    rc = curl_multi_setopt(m->handle, CURLMOPT_MAX_TOTAL_CONNECTIONS, max_connections);
  return rc;
}

cbc_code cbc_multi_init(cbc_multi *m, const cbc_env *env, long max_connections) {
  *m = (cbc_multi){.env = env, .timer = -1, .handle = curl_multi_init()};
  cbc_sockets_init(&m->opened, env);
  if (m->handle == NULL || set_options(m, max_connections) != CURLM_OK) return CBC_ENOMEM;
  return CBC_OK;
}

void cbc_multi_free(cbc_multi *m) {
  curl_multi_cleanup(m->handle);
  cbc_free(m->env, m->fds, m->capacity * sizeof *m->fds);
  cbc_sockets_free(&m->opened);
}

/* ==== Waiting ========================================================= */

static CURLMcode act(cbc_multi *m, curl_socket_t s, int events) {
  int running;
  return curl_multi_socket_action(m->handle, s, events, &running);
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

/* How long poll may block, in milliseconds, rounded up so that the timer is due
** when it returns. */
static int poll_time(const cbc_multi *m, double now, double seconds) {
  if (seconds > CBC_WAIT_MOST) seconds = CBC_WAIT_MOST;
  if (m->timer >= 0 && m->timer - now < seconds) seconds = m->timer - now;
  return seconds <= 0 ? 0 : (int)ceil(seconds * 1e3);
}

cbc_code cbc_multi_wait(cbc_multi *m, double seconds, cbc_error *err) {
  CURLMcode rc = CURLM_OK;
  double now = m->timer == 0 ? 0 : m->env->now(m->env->ud);
  if (m->timer < 0 || m->timer > now) {
    int ready = m->env->wait(m->env->ud, m->fds, (nfds_t)m->count, poll_time(m, now, seconds));
    if (ready < 0)
      return errno == EINTR
                 ? CBC_EINTR
                 : cbc_error_set(err, CBC_ETRANSPORT, "poll failed: %s", strerror(errno));
    if (ready > 0) rc = act_on_sockets(m);
  } else {
    m->timer = -1;
    rc = act(m, CURL_SOCKET_TIMEOUT, 0);
  }
  collect_finished(m);
  if (rc == CURLM_OUT_OF_MEMORY) return cbc_error_nomem(err);
  if (rc != CURLM_OK && rc != CURLM_BAD_SOCKET)
    return cbc_error_set(err, CBC_ETRANSPORT, "libcurl: %s", curl_multi_strerror(rc));
  return CBC_OK;
}
