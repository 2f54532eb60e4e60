/*
** cbc_reply.h - what comes back on the wire.
*/
#ifndef CBC_REPLY_H
#define CBC_REPLY_H

#include <stdbool.h>

#include "cbc_buffer.h"
#include "cbc_error.h"

/* What came back. */
typedef struct cbc_reply {
  int status;         /* of a whole reply; 0 without one */
  bool sent;          /* some of the request may have reached the service */
  bool too_large;     /* it was broken off at the limit */
  double retry_after; /* seconds; -1 without */
  cbc_buffer body;    /* collected bytes, or the piece to be taken next */
  cbc_error error;    /* why there is no whole reply */
} cbc_reply;

#endif
