/*
** cbc_transfer.h - one request and its reply on the wire.
*/
#ifndef CBC_TRANSFER_H
#define CBC_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>

#include "cbc_profile.h"
#include "cbc_reply.h"
#include "cbc_request.h"

typedef struct cbc_transfer cbc_transfer;

/* An idle transfer; NULL when out of memory. The caller owns it; the profile must
** outlive it, or be taken from it (cbc_transfer_orphan). */
cbc_transfer *cbc_transfer_new(cbc_profile *p);

/* Frees its memory. It must not be in flight. */
void cbc_transfer_free(cbc_transfer *x);

/* Empties it for the next use, keeping memory. */
void cbc_transfer_reset(cbc_transfer *x);

/* Begins to send. The request, and all it points to, must stay until the
** transfer is done or stopped. now: the time by env's clock. timeout: seconds from
** then for all of it, name lookup included. once: the request must not be sent a
** second time; libcurl by itself sends again when a connection kept alive turns out
** dead, and then fails instead. waiter: who is woken, if it is parked, when the
** transfer is done, has a piece, wants bytes or, where the request asks for that, made
** progress; NULL: nobody. Returns CBC_OK, CBC_ENOMEM, CBC_EFILE (a file to be sent can't
** be read) or CBC_ETRANSPORT. */
cbc_code cbc_transfer_start(cbc_transfer *x, cbc_request *r, double now, double timeout, bool once,
                            cbc_waiter *waiter, cbc_error *err);

/* Breaks it off. What was sent stays sent. */
void cbc_transfer_stop(cbc_transfer *x);

/* Breaks it off and cuts it loose from its profile, which is about to go. Its reply
** can still be read. */
void cbc_transfer_orphan(cbc_transfer *x);

/* Records how libcurl ended it, or lets it go on over another connection. */
void cbc_transfer_finish(cbc_transfer *x, CURLcode result);

/* True when it is not in flight. */
bool cbc_transfer_done(const cbc_transfer *x);

/* True when some of the request may have reached the service by now. */
bool cbc_transfer_sent(const cbc_transfer *x);

/* True when pieces of a streamed reply wait to be taken. */
bool cbc_transfer_streaming(const cbc_transfer *x);

/* Its reply, owned by the transfer, valid until the next start or release. */
cbc_reply *cbc_transfer_reply(cbc_transfer *x);

/* The value of a header of the reply (the last of that name), or NULL. Owned by
** the transfer as the reply is. */
const char *cbc_transfer_header(cbc_transfer *x, const char *name);

/* The headers of the reply one after the other: begins with previous = NULL,
** returns NULL after the last. Name and value are owned as above. */
const struct curl_header *cbc_transfer_next_header(cbc_transfer *x,
                                                   const struct curl_header *previous);

/* Bytes sent and received so far and expected in all (-1: not known). */
typedef struct cbc_progress {
  double sent, sent_total;
  double received, received_total;
  long status; /* of the reply so far; 0 before it */
} cbc_progress;

void cbc_transfer_progress(cbc_transfer *x, cbc_progress *p);

/* Goes on after the driver took the bytes of a stream, or fed the body. */
cbc_code cbc_transfer_resume(cbc_transfer *x, cbc_error *err);

#endif
