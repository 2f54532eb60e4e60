/*
** cbc_transfer_impl.h - a transfer from inside: for the files that make it up,
** cbc_transfer.c, cbc_receive.c and cbc_mime.c, and for cbc_transport.c, which
** keeps the transfers.
*/
#ifndef CBC_TRANSFER_IMPL_H
#define CBC_TRANSFER_IMPL_H

#include "cbc_profile.h"
#include "cbc_reply.h"
#include "cbc_request.h"
#include "cbc_waiters.h"

typedef struct cbc_transfer cbc_transfer;

struct cbc_transfer {
  const cbc_env *env;
  cbc_profile *profile; /* NULL once that is gone */
  cbc_transfer *next;   /* in the pool, or of those in use */
  cbc_transfer **link;  /* what points to it while it is in use */
  bool running;         /* in the multi handle */
  CURL *easy;
  curl_mime *mime;           /* body of the present request; owned */
  struct curl_slist *prefix; /* headers of the present request before the client's; owned */
  const cbc_request *request;
  cbc_waiter *waiter; /* who waits for it, if it is parked; NULL: nobody */
  cbc_reply reply;

  /* What libcurl is set for, so that it is set anew only when that changes. */
  const struct curl_slist *headers;
  long timeout, connect_timeout; /* milliseconds; 0: not set */
  bool named;                    /* the method by a name of its own */
  bool fresh;                    /* a new connection */
  bool patient;                  /* to wait for a connection that others may share */
  bool whole;                    /* a body that must be provably whole */
  bool reports;                  /* its waiter wants to see its progress */

  /* The request on its way. */
  double ends;      /* when its time is over, by env's clock */
  curl_off_t moved; /* bytes of bodies, when its waiter was last woken for them */
  int sends;        /* times libcurl began to send it */
  bool once;        /* it must not begin a second time */
  bool resent;      /* it was kept from that */
  bool held;        /* libcurl is paused: for a piece to be taken, or for bytes to send */
  bool nomem;       /* a callback found no memory */

  /* Its connection. */
  bool kept;           /* it had been used before */
  bool opened;         /* a socket was opened for the request meanwhile */
  bool unfit;          /* it was not used: something was waiting in it */
  uint64_t socket;     /* the number of its socket; 0: not known */
  int fd;              /* and the socket; valid until the reply begins */
  uint64_t read_bytes; /* what had been read from that when the request was about to be sent */
  unsigned heard;      /* replies that had begun on it by then */

  /* The reply. */
  bool begun;           /* its first line came */
  bool early;           /* and had come before the request */
  bool crossed;         /* and may be that to another request */
  bool framed;          /* it is one of HTTP/2, which says whose it is and where it ends */
  bool headed;          /* the empty line behind the final status' headers came */
  bool bodied;          /* the first bytes of the body came */
  bool streaming;       /* they are handed over in pieces */
  size_t head;          /* bytes of heads and trailers */
  const char *unproven; /* why the body was refused; NULL: it was not */
  char message[CURL_ERROR_SIZE];
};

/* Something came that its waiter is to see. */
static inline void cbc_transfer_wake(const cbc_transfer *x) {
  if (x->waiter != NULL && x->profile != NULL)
    cbc_waiters_wake(&x->profile->multi.waiters, x->waiter);
}

#endif
