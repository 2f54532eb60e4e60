/*
** cbc_client_impl.h - what cbc_client.c and cbc_call.c share; for them alone.
*/
#ifndef CBC_CLIENT_IMPL_H
#define CBC_CLIENT_IMPL_H

#include "cbc_call.h"

struct cbc_client {
  const cbc_env *env;
  cbc_transport *transport; /* NULL once closed */
  cbc_call *calls;          /* those not yet freed; not owned */
  cbc_call *spare;          /* one that is over, for the next; owned */
  char *secret;             /* part of the key, to be masked; owned; NULL once wiped */
  size_t secret_size;       /* with its terminator, in bytes */
  cbc_policy policy;
  size_t size;     /* of this block, in bytes */
  char endpoint[]; /* terminated */
};

/* Wipes the secret of a closed client that has no calls left. */
void cbc_client_forget(cbc_client *c);

/* Gives back the memory of a call that is in no list. NULL is allowed. */
void cbc_call_destroy(cbc_call *call);

/* Lets a call's transfers go because its client is being closed. */
void cbc_call_abandon(cbc_call *call);

#endif
