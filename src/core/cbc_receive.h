/*
** cbc_receive.h - receiving a reply: head, body, and whether it is whole.
*/
#ifndef CBC_RECEIVE_H
#define CBC_RECEIVE_H

#include "cbc_transfer_impl.h"

/* CURLOPT_HEADERFUNCTION and CURLOPT_WRITEFUNCTION, with the transfer for ud. */
size_t cbc_receive_head(char *line, size_t one, size_t n, void *ud);
size_t cbc_receive_body(char *bytes, size_t one, size_t n, void *ud);

/* The value of a header of the reply, the last of that name; NULL without. Owned by
** the transfer. */
const char *cbc_receive_header(cbc_transfer *x, const char *name);

/* Fills status and retry_after of the reply to a transfer that ended so, or its
** error. */
void cbc_receive_finish(cbc_transfer *x, CURLcode result);

#endif
