/*
** cbc_client.h - one endpoint, one key, and the transport to it.
*/
#ifndef CBC_CLIENT_H
#define CBC_CLIENT_H

#include "cbc_exchange.h"
#include "cbc_transport.h"

typedef struct cbc_client cbc_client;

typedef struct cbc_client_options {
  const char *endpoint; /* checked with cbc_url_endpoint */
  size_t endpoint_size; /* bytes, without slashes at its end */
  cbc_policy policy;    /* of calls that don't bring their own */
  cbc_options transport;
} cbc_client_options;

/* A client without connections. Copies what it is given. NULL and an error
** (CBC_ENOMEM, CBC_EARG). The caller owns it; env must outlive it. */
cbc_client *cbc_client_new(const cbc_env *env, const cbc_client_options *options, cbc_error *err);

/* Closes every connection and the descriptor, takes out who is parked, and wipes the
** key, of which calls in flight keep the part that they must mask. They notice it at
** their next step. The client's own memory stays for those who hold it: its calls may
** still be asked how they ended. May be called again. */
void cbc_client_close(cbc_client *c);

bool cbc_client_closed(const cbc_client *c);

/* Closes it and frees its memory: while calls hold it, with the last of them. NULL is
** allowed. */
void cbc_client_free(cbc_client *c);

/* Keeps the secret that replies are searched for until cbc_client_release, as long
** as somebody may show a reply, and the client's memory. Returns the transport; NULL, and
** nothing is to be released, when the client is closed. */
cbc_transport *cbc_client_hold(cbc_client *c);
void cbc_client_release(cbc_client *c);

/* The transport, owned by the client; NULL once it is closed. */
cbc_transport *cbc_client_transport(const cbc_client *c);

/* A descriptor that is readable whenever cbc_client_step has something to do, for
** whoever waits for several; it is opened by the first call and owned by the client.
** -1 and an error: CBC_ETRANSPORT (the system has none left), CBC_ENOMEM,
** CBC_ECLOSED. */
int cbc_client_descriptor(cbc_client *c, cbc_error *err);

/* Says that a host waits for the descriptor: it is readable when parked calls can go
** on, too, and by the clock. */
void cbc_client_host(cbc_client *c);

/* Lets libcurl act on all that is due, without blocking; cbc_client_arm is to follow.
** CBC_OK, also when the client is closed; CBC_ENOMEM; CBC_ETRANSPORT, which every call
** meets again by itself. */
cbc_code cbc_client_step(cbc_client *c, cbc_error *err);

/* True when the host of the descriptor has not stepped for a while: coroutines that go
** on in its place, one call after the other, are to let it get on first. */
bool cbc_client_overstays(const cbc_client *c);

/* Makes the descriptor readable for a host when something is due, after a step, and
** after what can go on was taken. */
void cbc_client_arm(cbc_client *c);

/* For who is about to wait for the descriptor without being the host: what only the
** host can wake does not make it readable until it is armed again. Returns when
** something is due by the clock of its env; < 0: never. */
double cbc_client_disarm(cbc_client *c);

/* True when a task can go on. */
bool cbc_client_ready(const cbc_client *c);

/* The endpoint, terminated, owned by the client. */
const char *cbc_client_endpoint(const cbc_client *c);

/* Whose key it is (cbc_secret_account), terminated, owned by the client. */
const char *cbc_client_account(const cbc_client *c);

/* True when the bytes hold the secret part of the key, as it is or escaped
** (cbc_secret.h). Works until a closed client's last call is freed. */
bool cbc_client_has_secret(const cbc_client *c, const char *bytes, size_t n);

/* Overwrites it with '*' wherever it is. */
void cbc_client_mask(const cbc_client *c, char *bytes, size_t n);

const cbc_env *cbc_client_env(const cbc_client *c);
const cbc_policy *cbc_client_policy(const cbc_client *c);

#endif
