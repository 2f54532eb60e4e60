/*
** cbc_transport_impl.h - what cbc_transport.c and cbc_transfer.c share; for
** them alone.
*/
#ifndef CBC_TRANSPORT_IMPL_H
#define CBC_TRANSPORT_IMPL_H

#include "cbc_sockets.h"
#include "cbc_transfer.h"

/* The content codings that are asked for: every service has this one, and each
** name costs in every call. */
#define CBC_CODINGS "gzip"

struct cbc_transport {
  const cbc_env *env;
  CURLM *multi;
  CURL *model;                 /* carries the client's options; transfers are copies of it */
  struct curl_slist *headers;  /* the client's, the key among them; owned */
  struct curl_slist *typed[2]; /* the same behind one more: no Content-Type, or JSON's; owned */
  size_t origin;               /* bytes of a URL before its path */
  double connect_timeout;      /* seconds */
  size_t max_response;         /* bytes */
  bool layered;                /* a TLS library stands between libcurl and the sockets */
  cbc_sockets opened;          /* of all connections */
  struct pollfd *sockets;      /* what libcurl waits for; owned */
  size_t socket_count;
  size_t socket_capacity;
  double timer;         /* when libcurl wants to be called, by env's clock; < 0: never */
  cbc_transfer *active; /* transfers under way, linked both ways */
  bool unwatched;       /* there was no memory to wait for a socket of one of them */
  cbc_transfer *idle;   /* the pool, linked by next */
};

struct cbc_transfer {
  const cbc_env *env;
  cbc_transport *transport; /* NULL once the transport is gone */
  cbc_transfer *next;       /* in the pool, or of those under way */
  cbc_transfer **link;      /* what points to it; NULL while it is not under way */
  CURL *easy;
  curl_mime *mime;           /* body of the present request; owned */
  struct curl_slist *prefix; /* headers of the present request before the client's; owned */
  const cbc_request *request;
  cbc_reply reply;

  /* What libcurl is set for, so that it is set anew only when that changes. */
  const struct curl_slist *headers;
  long timeout, connect_timeout; /* milliseconds; 0: not set */
  bool named;                    /* the method by a name of its own */
  bool fresh;                    /* a new connection */
  bool whole;                    /* a body that must be provably whole */

  /* The request on its way. */
  double ends; /* when its time is over, by env's clock */
  int sends;   /* times libcurl began to send it */
  bool once;   /* it must not begin a second time */
  bool resent; /* it was kept from that */
  bool held;   /* libcurl was told to wait: for a piece to be taken, or for bytes to send */
  bool nomem;  /* a callback found no memory */

  /* Its connection. */
  bool kept;           /* it had been used before */
  bool unfit;          /* it was not used: something was waiting in it */
  int fd;              /* the socket of a kept one; valid until the reply begins */
  uint64_t read_bytes; /* what had been read from that when the request was about to be sent */

  /* The reply. */
  bool begun;           /* its first line came */
  bool early;           /* and had come before the request */
  bool headed;          /* the empty line behind the final status' headers came */
  bool bodied;          /* the first bytes of the body came */
  bool streaming;       /* they are handed over in pieces */
  size_t head;          /* bytes of heads and trailers */
  const char *unproven; /* why the body was refused; NULL: it was not */
  char message[CURL_ERROR_SIZE];
};

/* Puts a line before a list of headers whose nodes come from env (libcurl only
** reads them). A NULL value removes libcurl's own header of that name. Returns
** the longer list, or NULL when memory ended and the list is as it was. */
struct curl_slist *cbc_headers_add(const cbc_env *env, struct curl_slist *list, const char *name,
                                   const char *value);

/* Wipes and frees the nodes from list up to, not including, end. */
void cbc_headers_free(const cbc_env *env, struct curl_slist *list, const struct curl_slist *end);

/* CURLMOPT_SOCKETFUNCTION, with the transport for ud: begins or ends to wait for
** a socket. It never fails, which would end every transfer of the multi handle:
** out of memory ends the transfer whose socket it is, at the next
** cbc_transport_wait. */
int cbc_transport_watch(CURL *easy, curl_socket_t s, int what, void *ud, void *socketp);

/* Adds a transfer to those under way, or takes it away: its request and reply
** stay. Adding returns what curl_multi_add_handle does. */
CURLMcode cbc_transport_add(cbc_transport *t, cbc_transfer *x);
void cbc_transport_remove(cbc_transport *t, cbc_transfer *x);

/* cbc_reply.c: CURLOPT_HEADERFUNCTION and CURLOPT_WRITEFUNCTION, with the
** transfer for ud. */
size_t cbc_reply_on_head(char *line, size_t one, size_t n, void *ud);
size_t cbc_reply_on_body(char *bytes, size_t one, size_t n, void *ud);

/* cbc_reply.c: fills status and retry_after of the reply to a transfer that
** ended so, or its error. */
void cbc_reply_finish(cbc_transfer *x, CURLcode result);

/* Records how a transfer ended. */
void cbc_transfer_finish(cbc_transfer *x, CURLcode result);

/* Frees a transfer of the pool. */
void cbc_transfer_free(cbc_transfer *x);

#endif
