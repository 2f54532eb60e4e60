/*
** cbc_transport.h - the transfers of one client: a pool whose handles are used
** again, and those in use, over the client's connections.
*/
#ifndef CBC_TRANSPORT_H
#define CBC_TRANSPORT_H

#include "cbc_transfer.h"

typedef struct cbc_transport cbc_transport;

/* A transport without connections. NULL and an error: CBC_ENOMEM, or CBC_EARG
** where libcurl refuses an option. The caller owns it; env must outlive it. */
cbc_transport *cbc_transport_new(const cbc_env *env, const cbc_options *options, cbc_error *err);

/* Breaks off every transfer, takes out who is parked, closes every connection, wipes
** the key. Transfers in
** use stay with those who hold them: their replies can still be read, and
** cbc_transport_release frees them. NULL is allowed. */
void cbc_transport_free(cbc_transport *t);

/* An idle transfer; NULL and CBC_ENOMEM. The caller holds it until
** cbc_transport_release. */
cbc_transfer *cbc_transport_acquire(cbc_transport *t, cbc_error *err);

/* Breaks it off if it is in flight, and returns it to the pool. NULL is allowed. */
void cbc_transport_release(cbc_transfer *x);

/* As cbc_multi_wait. Out of memory to wait for a socket ends the transfer that has
** it, and no other. */
cbc_code cbc_transport_wait(cbc_transport *t, double seconds, cbc_error *err);

/* As cbc_multi_step and cbc_multi_kick, in the same way. */
cbc_code cbc_transport_step(cbc_transport *t, cbc_error *err);
cbc_code cbc_transport_kick(cbc_transport *t, cbc_error *err);

/* Its connections, and who waits for them; owned by the transport. */
cbc_multi *cbc_transport_multi(cbc_transport *t);

#endif
