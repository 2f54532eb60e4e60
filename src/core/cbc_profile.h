/*
** cbc_profile.h - what all transfers of one client share: libcurl's options, the
** headers with the key, the limits, and the connections.
*/
#ifndef CBC_PROFILE_H
#define CBC_PROFILE_H

#include <curl/curl.h>
#include <stdbool.h>

#include "cbc_multi.h"
#include "cbc_request.h"

/* The content codings that are asked for: every service has this one, and each
** name costs in every call. */
#define CBC_CODINGS "gzip"

/* The media type of a body that is JSON. */
#define CBC_JSON_TYPE "application/json"

/* Strings are terminated, may be NULL for libcurl's default, and are copied. */
typedef struct cbc_options {
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
  bool http2;              /* speak HTTP/2 where the service does: over TLS only */
  const char *proxy;       /* URL */
  const char *ca_file;     /* PEM */
  const char *ca_path;     /* directory of PEM files */
  const char *client_cert; /* PEM */
  const char *client_key;  /* PEM */
} cbc_options;

typedef struct cbc_profile {
  const cbc_env *env;
  CURL *model;                 /* carries the options; transfers are copies of it; owned */
  CURLU *url;                  /* the origin of every request: transfers read it; owned */
  struct curl_slist *headers;  /* of every request, the key among them; owned */
  struct curl_slist *coded;    /* the same behind Accept-Encoding; owned */
  struct curl_slist *typed[2]; /* those behind one more: no Content-Type, or JSON's; owned */
  struct curl_slist *proxied;  /* of a CONNECT to a proxy; owned */
  size_t origin;               /* bytes of a URL before its path */
  long max_connections;
  double connect_timeout; /* seconds */
  size_t max_response;    /* bytes */
  bool layered;           /* a TLS library stands between libcurl and the sockets */
  bool http2;             /* offered to the service */
  bool sharing;           /* several transfers at once may use one connection */
  bool mixed;             /* HTTP/1.1 is spoken as well, so that must end */
  cbc_multi multi;
} cbc_profile;

/* Fills the profile. CBC_OK; CBC_ENOMEM; CBC_EARG where libcurl refuses an option, CBC_EURL
** where it refuses the origin: the message says what it is.
** In each case cbc_profile_free ends it. env must outlive it. */
cbc_code cbc_profile_init(cbc_profile *p, const cbc_env *env, const cbc_options *options,
                          cbc_error *err);

/* From now on each connection carries one transfer at a time, for good; those that
** share one go on. libcurl 7.88 puts a transfer onto a connection of HTTP/1.1 that is
** in use, once another to the same host spoke HTTP/2. Not to be called from a
** callback of libcurl. */
void cbc_profile_end_sharing(cbc_profile *p);

/* After libcurl was out of memory, and every transfer has been ended: begins anew, without
** the connections. Does nothing else. CBC_OK or CBC_ENOMEM. */
cbc_code cbc_profile_mend(cbc_profile *p);

/* Closes every connection and wipes the key. Its transfers must be over. */
void cbc_profile_free(cbc_profile *p);

#endif
