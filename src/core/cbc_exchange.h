/*
** cbc_exchange.h - the life of one call as a state machine: attempts, pauses
** and confirmation. It does no I/O and reads no clock: the driver carries out
** what the state asks for and reports what came of it.
**
**               +-----------------------------------------------+
**               |                     again                     |
**               v      2xx           ambiguous                  |
**   start ---> SEND ----------> READ ----------------+          |
**              | | |              |                  v          |
**              | | +--------------|---------------> PAUSE ------+
**              | |   again, or    |                 ^  ^ |
**              | |   ambiguous    |      once more  |  | | confirm
**              | |                |                 |  | v      2xx
**              | |                |                 | PROBE --------> JUDGE
**              | |                |                 |   |            | | |
**              | |                |                 +---|------------+ | |
**              | |                |        once more    |              | |
**              v |                v                     v              v |
**            DONE|              DONE                  DONE           DONE|
**                |                       not applied                     |
**                +<------------------------------------------------------+
**
** Out of every state but DONE a cancellation or the deadline leads to DONE, and
** DONE is final.
**
** A call that may have taken effect is sent again only where that can't do it
** twice.
*/
#ifndef CBC_EXCHANGE_H
#define CBC_EXCHANGE_H

#include <stdbool.h>

#include "cbc_env.h"

/* What sending a call a second time would mean. */
typedef enum cbc_repeat {
  CBC_REPEAT_SAFE,       /* nothing, it is a read: GET (RFC 9110, 9.2.1) */
  CBC_REPEAT_IDEMPOTENT, /* the same as sending it once: PUT, DELETE (RFC 9110, 9.2.2) */
  CBC_REPEAT_CONFIRMED,  /* only after reading the object shows that it had no effect: a close */
  CBC_REPEAT_NEVER       /* perhaps twice the effect: any other POST */
} cbc_repeat;

/* What the driver has to do next. */
typedef enum cbc_state {
  CBC_SEND,  /* send the call, then cbc_exchange_took */
  CBC_READ,  /* read the 2xx reply, then cbc_exchange_read */
  CBC_PROBE, /* send the confirming GET, then cbc_exchange_took */
  CBC_JUDGE, /* read the confirming reply, then cbc_exchange_judge */
  CBC_PAUSE, /* wait until resume_at, then cbc_exchange_resume */
  CBC_DONE   /* nothing: see end and outcome */
} cbc_state;

/* How it ended. */
typedef enum cbc_end {
  CBC_END_NONE,       /* not yet */
  CBC_END_REPLY,      /* the last reply is the answer: 2xx */
  CBC_END_CONFIRMED,  /* the confirming reply is the answer: the call had taken effect */
  CBC_END_STATUS,     /* the last reply has a status that is no success */
  CBC_END_REJECTED,   /* the last reply is 2xx, and its body rejects the call */
  CBC_END_UNREADABLE, /* the last reply is 2xx and does not answer what was asked */
  CBC_END_TRANSPORT,  /* no whole reply to the last attempt */
  CBC_END_CONFLICT,   /* the object is changed already, by another call than this one */
  CBC_END_DEADLINE,   /* the call's deadline passed */
  CBC_END_CLOSED,     /* the client was closed */
  CBC_END_LOCAL       /* an error on this side: a file, for example */
} cbc_end;

/* What happened to the object that the call was to change. */
typedef enum cbc_outcome {
  CBC_UNSENT,   /* the request never left */
  CBC_REJECTED, /* the service did not carry it out; nothing changed */
  CBC_APPLIED,  /* it took effect */
  CBC_UNKNOWN   /* it may have taken effect and this could not be found out */
} cbc_outcome;

/* What a reply says of the object: one scale for the reply to the call itself
** and for the confirming one. */
typedef enum cbc_verdict {
  CBC_VERDICT_APPLIED,     /* the object is what the call was to make of it */
  CBC_VERDICT_NOT_APPLIED, /* it is not */
  CBC_VERDICT_CONFLICT,    /* another call has changed it, and this one can't any more */
  CBC_VERDICT_AMBIGUOUS,   /* it is changed, by this call or by another: can't be told apart */
  CBC_VERDICT_REJECTED,    /* the body rejects the call; never of a confirming reply */
  CBC_VERDICT_UNREADABLE   /* none of this can be read from it */
} cbc_verdict;

/* What came of one attempt, or of one probe. */
typedef struct cbc_attempt {
  bool sent;          /* some of the request may have reached the service */
  int status;         /* HTTP status of a whole reply, 0 without one */
  double retry_after; /* seconds, -1 without */
} cbc_attempt;

typedef struct cbc_policy {
  double timeout;  /* seconds for an attempt, name lookup included */
  double deadline; /* seconds for the call with all its retries */
  int retries;     /* further attempts after the first; 0 turns confirmation off, too */
} cbc_policy;

typedef struct cbc_exchange {
  cbc_policy policy;
  cbc_repeat repeat;
  cbc_state state;
  cbc_state after_pause; /* CBC_SEND or CBC_PROBE */
  cbc_end end;           /* valid in CBC_DONE */
  cbc_outcome outcome;   /* valid in CBC_DONE */
  int attempts;          /* times the call itself was tried */
  int probes;            /* times the present confirmation was tried */
  int all_probes;        /* times any confirmation was tried */
  int pauses;            /* pauses so far: they grow longer */
  bool ambiguous;        /* an attempt may have taken effect */
  bool reached;          /* an attempt reached the service, and had no effect */
  bool postponed;        /* an attempt was asked to come again later */
  bool rejected;         /* the last attempt was rejected, and that is being confirmed */
  cbc_end last;          /* how the last attempt would end the call */
  double started;        /* by the clock of the environment, in seconds */
  double resume_at;      /* valid in CBC_PAUSE */
} cbc_exchange;

/* What sending a request of that HTTP method again would mean, where nothing is
** known of it but that. */
cbc_repeat cbc_exchange_repeat(const char *method);

/* Begins at CBC_SEND. now: the environment's clock, seconds. */
void cbc_exchange_start(cbc_exchange *x, const cbc_policy *policy, cbc_repeat repeat, double now);

/* Seconds that the attempt about to be sent may take: the timeout, or what is
** left of the deadline where that is less (0 when it passed). */
double cbc_exchange_budget(const cbc_exchange *x, double now);

/* When the deadline passes, by env's clock. */
double cbc_exchange_ends(const cbc_exchange *x);

/* Reports what came of the attempt (in CBC_SEND) or probe (in CBC_PROBE). env
** has time and randomness. */
void cbc_exchange_took(cbc_exchange *x, const cbc_attempt *a, const cbc_env *env);

/* Reports what the 2xx reply says (in CBC_READ). */
void cbc_exchange_read(cbc_exchange *x, cbc_verdict verdict, const cbc_env *env);

/* Reports what the confirming reply says (in CBC_JUDGE). */
void cbc_exchange_judge(cbc_exchange *x, cbc_verdict verdict, const cbc_env *env);

/* Makes an exchange that was just started one that only pauses, until a time of env's
** clock, and is then done: applied, as if by a reply. */
void cbc_exchange_pause(cbc_exchange *x, double until);

/* Ends a pause whose time has come (in CBC_PAUSE). */
void cbc_exchange_resume(cbc_exchange *x);

/* Forbids further attempts: what the present one sends, or hands over, is there
** only once. Confirmation is off with them. */
void cbc_exchange_last_attempt(cbc_exchange *x);

/* Ends the call where it stands, as CBC_END_CLOSED, CBC_END_LOCAL or
** CBC_END_TRANSPORT. sent: some of the present attempt, or probe, may have
** reached the service. Does nothing to a call that is over. */
void cbc_exchange_cancel(cbc_exchange *x, cbc_end end, bool sent);

#endif
