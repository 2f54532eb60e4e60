/*
** cbc_poller.c - epoll with a timerfd, or kqueue with EVFILT_TIMER.
*/
#include "cbc_poller.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__)
#define CBC_EPOLL
#include <sys/epoll.h>
#include <sys/timerfd.h>
#else
#include <fcntl.h>
#include <sys/event.h>
#include <sys/time.h>
#include <sys/types.h>
#endif

/* Most events that are read at once: what is left keeps the descriptor readable. */
#define MOST 64

/* The longest that the timer is set for: few enough for any type, in milliseconds, too. */
#define MOST_SECONDS 1e6

/* ==== What the system offers ========================================== */

#ifdef CBC_EPOLL

static int open_descriptor(cbc_poller *p) {
  struct epoll_event e = {.events = EPOLLIN, .data.fd = -1};
  p->fd = epoll_create1(EPOLL_CLOEXEC);
  if (p->fd < 0) return -1;
  p->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (p->timer < 0) return -1;
  return epoll_ctl(p->fd, EPOLL_CTL_ADD, p->timer, &e);
}

/* Registers fd for events instead of before; 0: not at all. */
static int change(cbc_poller *p, int fd, int before, int events) {
  struct epoll_event e = {.events = ((events & CBC_POLL_IN) ? (uint32_t)EPOLLIN : 0) |
                                    ((events & CBC_POLL_OUT) ? (uint32_t)EPOLLOUT : 0),
                          .data.fd = fd};
  int what = before == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  return epoll_ctl(p->fd, what, fd, &e);
}

/* Lets the timer fire in so many seconds; < 0: never. That also takes back what it
** has fired. */
static void set_timer(cbc_poller *p, double seconds) {
  struct itimerspec t = {.it_value = {0, 0}};
  if (seconds >= 0) {
    t.it_value.tv_sec = (time_t)seconds;
    t.it_value.tv_nsec = (long)((seconds - (double)t.it_value.tv_sec) * 1e9);
    /* All zero would turn it off. */
    if (t.it_value.tv_sec == 0 && t.it_value.tv_nsec == 0) t.it_value.tv_nsec = 1;
  }
  timerfd_settime(p->timer, 0, &t, NULL);
}

static int read_events(cbc_poller *p, cbc_event *events, int most) {
  struct epoll_event list[MOST];
  int n = epoll_wait(p->fd, list, most < MOST ? most : MOST, 0);
  for (int i = 0; i < n; i++) {
    uint32_t e = list[i].events;
    events[i].fd = list[i].data.fd;
    events[i].events = ((e & (EPOLLIN | EPOLLHUP)) ? CBC_POLL_IN : 0) |
                       ((e & EPOLLOUT) ? CBC_POLL_OUT : 0) | ((e & EPOLLERR) ? CBC_POLL_ERR : 0);
  }
  return n;
}

#else

static int open_descriptor(cbc_poller *p) {
  p->fd = kqueue();
  return p->fd < 0 ? -1 : fcntl(p->fd, F_SETFD, FD_CLOEXEC);
}

static int change_filter(cbc_poller *p, int fd, short filter, bool before, bool after) {
  struct kevent e;
  if (before == after) return 0;
  EV_SET(&e, (uintptr_t)fd, filter, after ? EV_ADD : EV_DELETE, 0, 0, 0);
  return kevent(p->fd, &e, 1, NULL, 0, NULL);
}

static int change(cbc_poller *p, int fd, int before, int events) {
  int in = change_filter(p, fd, EVFILT_READ, before & CBC_POLL_IN, events & CBC_POLL_IN);
  int out = change_filter(p, fd, EVFILT_WRITE, before & CBC_POLL_OUT, events & CBC_POLL_OUT);
  return in < 0 ? in : out;
}

static void set_timer(cbc_poller *p, double seconds) {
  struct kevent e;
  EV_SET(&e, 0, EVFILT_TIMER, EV_DELETE, 0, 0, 0);
  kevent(p->fd, &e, 1, NULL, 0, NULL);
  if (seconds < 0) return;
  /* In milliseconds, not fewer than asked. */
  EV_SET(&e, 0, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, (int)(seconds * 1e3) + 1, 0);
  kevent(p->fd, &e, 1, NULL, 0, NULL);
}

static int read_events(cbc_poller *p, cbc_event *events, int most) {
  struct kevent list[MOST];
  const struct timespec now = {0, 0};
  int n = kevent(p->fd, NULL, 0, list, most < MOST ? most : MOST, &now);
  for (int i = 0; i < n; i++) {
    bool timer = list[i].filter == EVFILT_TIMER;
    events[i].fd = timer ? -1 : (int)list[i].ident;
    events[i].events = ((list[i].flags & EV_ERROR) ? CBC_POLL_ERR : 0) |
                       (list[i].filter == EVFILT_WRITE ? CBC_POLL_OUT : CBC_POLL_IN);
  }
  return n;
}

#endif

/* ==== Beginning and end =============================================== */

void cbc_poller_init(cbc_poller *p, const cbc_env *env) {
  *p = (cbc_poller){.env = env, .fd = -1, .timer = -1, .armed = -1};
}

static void close_descriptors(cbc_poller *p) {
  if (p->timer >= 0) close(p->timer);
  if (p->fd >= 0) close(p->fd);
  p->timer = p->fd = -1;
  p->armed = -1;
  p->fired = false;
}

cbc_code cbc_poller_open(cbc_poller *p, cbc_error *err) {
  if (p->fd >= 0) return CBC_OK;
  if (open_descriptor(p) == 0) return CBC_OK;
  cbc_error_set(err, CBC_ETRANSPORT, "no descriptor to wait with: %s", strerror(errno));
  close_descriptors(p);
  return CBC_ETRANSPORT;
}

void cbc_poller_close(cbc_poller *p) {
  close_descriptors(p);
  cbc_free(p->env, p->list, p->size * sizeof *p->list);
  p->list = NULL;
  p->size = 0;
}

/* ==== Descriptors ===================================================== */

static bool reserve(cbc_poller *p, size_t fd) {
  size_t size = p->size != 0 ? p->size : 32;
  cbc_polled *grown;
  if (fd < p->size) return true;
  while (size <= fd)
    size *= 2;
  grown = cbc_realloc(p->env, p->list, p->size * sizeof *grown, size * sizeof *grown);
  if (grown == NULL) return false;
  memset(grown + p->size, 0, (size - p->size) * sizeof *grown);
  p->list = grown;
  p->size = size;
  return true;
}

static bool registers(cbc_poller *p, int fd, int events) {
  cbc_polled *d = &p->list[fd];
  if (d->registered == events) return true;
  if (change(p, fd, d->registered, events) != 0) return false;
  d->registered = (unsigned char)events;
  return true;
}

bool cbc_poller_watch(cbc_poller *p, int fd, int events) {
  if (!reserve(p, (size_t)fd)) return false;
  p->list[fd].wanted = (unsigned char)events;
  /* What comes unasked while nothing is wanted takes the registration back. */
  return (events == 0 && p->list[fd].kept) || registers(p, fd, events);
}

void cbc_poller_keep(cbc_poller *p, int fd) {
  if (p->fd >= 0 && reserve(p, (size_t)fd)) p->list[fd] = (cbc_polled){.kept = true};
}

void cbc_poller_forget(cbc_poller *p, int fd) {
  if (fd < 0 || (size_t)fd >= p->size) return;
  /* Explicitly: a process forked off may have the socket still open, which would
  ** keep it in the set. */
  registers(p, fd, 0);
  p->list[fd] = (cbc_polled){.kept = false};
}

/* ==== Waiting ========================================================= */

void cbc_poller_arm(cbc_poller *p, double at) {
  double now, seconds;
  if (at < 0) {
    if (p->fired) cbc_poller_disarm(p);
    return;
  }
  if (p->armed >= 0 && p->armed <= at) return;
  now = at > 0 ? p->env->now(p->env->ud) : 0;
  p->armed = at;
  p->fired = false;
  seconds = at > now ? at - now : 0;
  set_timer(p, seconds < MOST_SECONDS ? seconds : MOST_SECONDS);
}

void cbc_poller_disarm(cbc_poller *p) {
  if (p->armed < 0 && !p->fired) return;
  p->armed = -1;
  p->fired = false;
  set_timer(p, -1);
}

int cbc_poller_read(cbc_poller *p, cbc_event *events, int most) {
  int n = read_events(p, events, most);
  int kept = 0;
  for (int i = 0; i < n; i++) {
    int fd = events[i].fd;
    if (fd < 0) {
      p->armed = -1;
      p->fired = true;
    } else if (p->list[fd].wanted == 0) {
      registers(p, fd, 0);
    } else {
      events[kept++] = events[i];
    }
  }
  return kept;
}
