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

/* Bytes that arrive piece by piece while the request is in flight: small pieces
** are gathered, and a large one behind them is borrowed. The driver adds them
** between steps, the transfer takes them. */
typedef struct cbc_feed {
  cbc_buffer gathered;
  const char *borrowed; /* the driver's; stays until it was taken */
  size_t borrowed_size; /* bytes of it that are still to be taken */
  bool hungry;          /* the transfer has stopped until there are bytes or the end */
  bool ended;           /* no more bytes come */
  bool freed;           /* some are lost: what was sent can't become whole */
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
  const char *json; /* in text, or outlives the request */
  size_t json_size;
  cbc_buffer text; /* owned: room to write a JSON body in */
  cbc_part parts[CBC_PARTS_MAX];
  size_t part_count;
  const cbc_field *headers; /* beside the client's; outlive the request */
  size_t header_count;
  double connect_timeout; /* seconds; 0: the client's */
  bool whole;             /* a 2xx body must be provably whole: see cbc_receive.c */
  bool stream;            /* that of a 200 is handed over in pieces, and must be whole, too */
  bool reports;           /* whoever waits wants to see each progress */
} cbc_request;

/* An empty feed. env must outlive it. */
void cbc_feed_init(cbc_feed *feed, const cbc_env *env);

/* Frees its memory and drops what is borrowed. A transfer that still asks is broken
** off. May be called again. */
void cbc_feed_free(cbc_feed *feed);

/* Bytes that wait to be taken. */
size_t cbc_feed_size(const cbc_feed *feed);

/* Takes up to room bytes and returns how many: 0 when there are none. No byte is
** moved more than once, apart from the few that are gathered. */
size_t cbc_feed_take(cbc_feed *feed, void *to, size_t room);

/* An empty request. env must outlive it. */
void cbc_request_init(cbc_request *r, const cbc_env *env);

/* Empties it for the next use, keeping memory. */
void cbc_request_reset(cbc_request *r);

/* Frees its memory. */
void cbc_request_free(cbc_request *r);

#endif
