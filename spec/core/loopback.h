/*
** loopback.h - a server on a free port of this machine, for the tests of the
** transport: it says what it is told to, whatever it is asked. One thread; it
** never fails a test by itself.
*/
#ifndef LOOPBACK_H
#define LOOPBACK_H

#include <stddef.h>

/* What it does when a whole request has come. */
typedef enum loopback_end {
  LOOPBACK_KEEP,  /* waits for the next on the same connection */
  LOOPBACK_CLOSE, /* closes in order */
  LOOPBACK_RESET, /* resets the connection */
  LOOPBACK_HANG   /* says nothing more, and waits */
} loopback_end;

typedef struct loopback_step {
  const char *reply; /* bytes that are sent first; NULL: none */
  loopback_end end;
} loopback_step;

typedef struct loopback loopback;

/* Starts it. The n-th request meets the n-th step, further ones the last. The
** steps must stay. NULL when there is no port. */
loopback *loopback_start(const loopback_step *steps, size_t count);

/* "http://127.0.0.1:PORT", valid until it is stopped. */
const char *loopback_url(const loopback *s);

/* The bytes of the n-th request (from 0), terminated; NULL before it came. Valid
** until the server is stopped. */
const char *loopback_request(loopback *s, size_t n);

/* Requests that came so far, and connections. */
size_t loopback_requests(loopback *s);
size_t loopback_connections(loopback *s);

/* From now on nobody can connect; connections that stand go on. */
void loopback_refuse(loopback *s);

/* Stops it and waits for its end. NULL is allowed. */
void loopback_stop(loopback *s);

#endif
