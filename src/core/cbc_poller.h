/*
** cbc_poller.h - one descriptor that is readable whenever something is to be done:
** epoll(7) with a timerfd in it, or kqueue(2) with EVFILT_TIMER.
**
** What a connection is registered for stays when libcurl lets go of it between two
** requests, so a request over a kept connection costs no system call here.
*/
#ifndef CBC_POLLER_H
#define CBC_POLLER_H

#include <stdbool.h>

#include "cbc_env.h"
#include "cbc_error.h"

/* What is waited for, or has come. */
enum { CBC_POLL_IN = 1, CBC_POLL_OUT = 2, CBC_POLL_ERR = 4 };

typedef struct cbc_polled {
  unsigned char wanted;     /* CBC_POLL_IN, CBC_POLL_OUT; 0: nothing */
  unsigned char registered; /* the same, as the kernel has it */
  bool kept;                /* stays registered when nothing is wanted for a while */
} cbc_polled;

typedef struct cbc_poller {
  const cbc_env *env;
  int fd;           /* -1: not open */
  int timer;        /* the timerfd; -1 where there is none */
  double armed;     /* when the timer fires, by env's clock; < 0: it is off */
  bool fired;       /* it has, and keeps the descriptor readable */
  cbc_polled *list; /* by descriptor; owned */
  size_t size;
} cbc_poller;

typedef struct cbc_event {
  int fd;
  int events; /* CBC_POLL_IN, CBC_POLL_OUT, CBC_POLL_ERR */
} cbc_event;

/* Not open yet. env must outlive it. */
void cbc_poller_init(cbc_poller *p, const cbc_env *env);

/* Opens it, once. CBC_OK; CBC_ETRANSPORT and errno's words when the system has no
** descriptor left. The descriptors are closed on exec. */
cbc_code cbc_poller_open(cbc_poller *p, cbc_error *err);

/* Closes its descriptors, if open, and frees its memory. */
void cbc_poller_close(cbc_poller *p);

/* Waits for a descriptor (CBC_POLL_IN, CBC_POLL_OUT; 0: no longer). False when out
** of memory, or the kernel is: it is not waited for. */
bool cbc_poller_watch(cbc_poller *p, int fd, int events);

/* The descriptor was just opened, and cbc_poller_forget will be called before it is
** closed: it may stay registered meanwhile. */
void cbc_poller_keep(cbc_poller *p, int fd);

/* The descriptor is about to be closed. */
void cbc_poller_forget(cbc_poller *p, int fd);

/* Makes the descriptor readable at a time of env's clock (0: at once; < 0: never),
** or earlier: a timer that fires before is left as it is. */
void cbc_poller_arm(cbc_poller *p, double at);

/* Turns the timer off, for who is about to wait for the descriptor himself. */
void cbc_poller_disarm(cbc_poller *p);

/* What has come, without waiting: fills at most so many, returns how many; -1 and
** errno when the kernel refuses. The timer must be armed again after it. */
int cbc_poller_read(cbc_poller *p, cbc_event *events, int most);

#endif
