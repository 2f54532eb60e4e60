/*
** cbc_transport.h - the connections of one client: a libcurl multi handle whose
** sockets this module watches itself, so that a host's loop can later watch
** them instead, and a pool of transfers whose handles are used again.
*/
#ifndef CBC_TRANSPORT_H
#define CBC_TRANSPORT_H

#include <curl/curl.h>
#include <stdbool.h>

#include "cbc_env.h"
#include "cbc_error.h"
#include "cbc_request.h"

typedef struct cbc_transport cbc_transport;
typedef struct cbc_transfer cbc_transfer;

/* Strings are terminated, may be NULL for libcurl's default, and are copied. */
typedef struct cbc_transport_options {
  const char *origin;     /* scheme, host and port of every request: "https://host" */
  size_t origin_size;     /* bytes */
  const char *key;        /* value of the Authorization header */
  const char *user_agent; /* value of the User-Agent header */
  const cbc_field *headers;
  size_t header_count;
  double connect_timeout;  /* seconds */
  size_t max_response;     /* bytes of a collected reply, after decompression */
  long max_connections;    /* open at once */
  bool plain;              /* the endpoint is http: proxies of the environment are left aside */
  const char *proxy;       /* URL */
  const char *ca_file;     /* PEM */
  const char *ca_path;     /* directory of PEM files */
  const char *client_cert; /* PEM */
  const char *client_key;  /* PEM */
} cbc_transport_options;

/* A transport without connections. NULL and an error where memory ends or
** libcurl refuses an option. The caller owns it; env must outlive it. */
cbc_transport *cbc_transport_new(const cbc_env *env, const cbc_transport_options *options,
                                 cbc_error *err);

/* Ends every transfer, closes every connection, wipes the key. Transfers that
** are still held must have been released. NULL is allowed. */
void cbc_transport_free(cbc_transport *t);

/* Waits until something happens to a transfer, at most the given seconds, and
** lets libcurl act on it. Returns CBC_OK, also when nothing happened; CBC_EINTR
** when a signal came; CBC_ENOMEM. */
cbc_code cbc_transport_wait(cbc_transport *t, double seconds, cbc_error *err);

/* The longest that cbc_transport_wait blocks, in seconds: a signal that came
** just before it is noticed after this time. */
#define CBC_WAIT_MOST 0.05

#endif
