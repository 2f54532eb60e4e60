/*
** cbc_request.h - what is to be sent: method, URL, headers and body. A request
** is described once and may be sent several times.
*/
#ifndef CBC_REQUEST_H
#define CBC_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "cbc_buffer.h"

/* A header of one request. Name and value are checked by whoever fills it
** (cbc_header.h), terminated, and outlive the request. */
typedef struct cbc_field {
  const char *name;
  const char *value;
} cbc_field;

/* Bytes that arrive piece by piece while the request is under way. The driver
** fills the buffer between steps; the transfer empties it. */
typedef struct cbc_feed {
  cbc_buffer bytes;
  bool hungry; /* the transfer has stopped until there are bytes or the end */
  bool ended;  /* no more bytes come */
} cbc_feed;

/* One part of a multipart/form-data body (RFC 7578). Exactly one of path, data
** and feed is set, and it outlives the request. */
typedef struct cbc_part {
  const char *name;
  const char *filename; /* NULL for a plain field */
  const char *path;     /* a regular file, opened with each attempt and read as it is sent */
  const char *data;     /* bytes in memory */
  size_t data_size;
  cbc_feed *feed;
} cbc_part;

#define CBC_PARTS_MAX 2

typedef enum cbc_body {
  CBC_BODY_NONE,
  CBC_BODY_JSON,     /* json, json_size */
  CBC_BODY_MULTIPART /* parts, part_count */
} cbc_body;

typedef struct cbc_request {
  const char *method; /* upper case, a literal or outliving the request */
  cbc_buffer url;     /* owned */
  cbc_body body;
  const char *json; /* outlives the request */
  size_t json_size;
  cbc_part parts[CBC_PARTS_MAX];
  size_t part_count;
  const cbc_field *headers; /* beside the client's; outlive the request */
  size_t header_count;
  double connect_timeout; /* seconds; 0: the client's */
  bool stream;            /* a 2xx body is handed over in pieces rather than collected */
} cbc_request;

/* An empty request. env must outlive it. */
void cbc_request_init(cbc_request *r, const cbc_env *env);

/* Empties it for the next use, keeping memory. */
void cbc_request_reset(cbc_request *r);

/* Gives its memory back. */
void cbc_request_free(cbc_request *r);

#endif
