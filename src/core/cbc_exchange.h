/*
** cbc_exchange.h - the life of one call as a state machine: attempts, pauses
** and confirmation. It does no I/O and reads no clock: the driver carries out
** what the state asks for and reports what came of it.
**
**            start
**              |
**              v      a reply that settles it
**   +-------> SEND --------------------------------> DONE
**   |          |  ambiguous, and the call can be      ^
**   |  again   |  confirmed by reading                |
**   |          v                                      |
**   +------- PAUSE ------> PROBE ----> JUDGE ---------+
**   |                        ^  try again |
**   |                        +--- PAUSE --+
**   +-------------- not closed ----------+
**
** Which failures may be repeated is the heart of the matter: a call that may
** have taken effect is sent again only where that can't do it twice.
*/
#ifndef CBC_EXCHANGE_H
#define CBC_EXCHANGE_H

#include <stdbool.h>

#include "cbc_env.h"

/* What sending a call a second time would mean. */
typedef enum cbc_repeat {
  CBC_REPEAT_SAFE,   /* the same as sending it once: GET, PUT, DELETE */
  CBC_REPEAT_PROBED, /* only after reading the object shows that it had no effect: a close */
  CBC_REPEAT_NEVER   /* perhaps twice the effect: any other POST */
} cbc_repeat;

/* What the driver has to do next. */
typedef enum cbc_state {
  CBC_SEND,  /* send the call, then cbc_exchange_took */
  CBC_PROBE, /* send the confirming GET, then cbc_exchange_took */
  CBC_JUDGE, /* read the confirming reply, then cbc_exchange_judge */
  CBC_PAUSE, /* wait until resume_at, then cbc_exchange_resume */
  CBC_DONE   /* nothing: see end, outcome, confirmed */
} cbc_state;

/* How it ended. */
typedef enum cbc_end {
  CBC_END_NONE,       /* not yet */
  CBC_END_REPLY,      /* the last reply is the answer: 2xx */
  CBC_END_CONFIRMED,  /* the confirming reply is the answer: it had taken effect */
  CBC_END_STATUS,     /* the last reply is a refusal by its status */
  CBC_END_DENIED,     /* the last reply is 2xx, and in its body a refusal */
  CBC_END_UNREADABLE, /* the last reply is 2xx and can't be read */
  CBC_END_TRANSPORT,  /* no usable reply to the last attempt */
  CBC_END_TAKEN,      /* the object was closed by somebody else, under another id */
  CBC_END_DEADLINE,   /* the call's deadline passed */
  CBC_END_CLOSED,     /* the client was closed */
  CBC_END_LOCAL       /* something on this side ended it: a file, for example */
} cbc_end;

/* What happened to the billing data. */
typedef enum cbc_outcome {
  CBC_UNSENT,   /* the request never left */
  CBC_REJECTED, /* the service refused it; nothing changed */
  CBC_APPLIED,  /* it took effect */
  CBC_UNKNOWN   /* it may have taken effect and this could not be found out */
} cbc_outcome;

/* What the confirming reply says. */
typedef enum cbc_verdict {
  CBC_VERDICT_OURS,      /* closed, under our billing id */
  CBC_VERDICT_OPEN,      /* not closed */
  CBC_VERDICT_OTHERS,    /* closed, under another billing id */
  CBC_VERDICT_UNREADABLE /* none of this can be read from it */
} cbc_verdict;

/* What came of one attempt, or of one probe. */
typedef struct cbc_attempt {
  bool sent;          /* some of the request may have reached the service */
  int status;         /* HTTP status of a whole reply, 0 without one */
  double retry_after; /* seconds, -1 without */
} cbc_attempt;

typedef struct cbc_policy {
  double timeout;  /* seconds for an attempt, name look-up included */
  double deadline; /* seconds for the call with all its retries */
  int retries;     /* further attempts after the first */
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
  int pauses;            /* pauses so far: they grow longer */
  bool doubtful;         /* an attempt may have taken effect */
  bool turned_away;      /* an attempt left, and was asked to come again */
  bool refused;          /* the last attempt was refused after a doubtful one */
  cbc_end last;          /* how the last attempt would end the call */
  double started;        /* by the clock of the environment, in seconds */
  double resume_at;      /* valid in CBC_PAUSE */
} cbc_exchange;

/* What sending a request of that HTTP method again would mean, where nothing is
** known of it but that. */
cbc_repeat cbc_exchange_repeat(const char *method);

/* Begins at CBC_SEND. now: the environment's clock, seconds. */
void cbc_exchange_start(cbc_exchange *x, const cbc_policy *policy, cbc_repeat repeat, double now);

/* Seconds that the attempt about to be sent may take: the time-out, or what is
** left of the deadline where that is less (0 when it passed). */
double cbc_exchange_budget(const cbc_exchange *x, double now);

/* Reports what came of the attempt (in CBC_SEND) or probe (in CBC_PROBE). env
** gives time and randomness. */
void cbc_exchange_took(cbc_exchange *x, const cbc_attempt *a, const cbc_env *env);

/* Takes back that the 2xx reply was the answer (in CBC_DONE, CBC_END_REPLY):
** it can't be read, so it says nothing. The exchange goes on to confirm where
** that is possible; else it stays done, with CBC_END_UNREADABLE. */
void cbc_exchange_unreadable(cbc_exchange *x, const cbc_env *env);

/* The same for a 2xx reply that refuses in its body, as the bulk route does.
** After a doubtful attempt that may be because it had taken effect, and the
** exchange goes on to confirm; else it stays done, with CBC_END_DENIED. */
void cbc_exchange_denied(cbc_exchange *x, const cbc_env *env);

/* Reports what the confirming reply says (in CBC_JUDGE). */
void cbc_exchange_judge(cbc_exchange *x, cbc_verdict verdict, const cbc_env *env);

/* Ends a pause whose time has come (in CBC_PAUSE). */
void cbc_exchange_resume(cbc_exchange *x);

/* Ends the call where it stands, as CBC_END_CLOSED or CBC_END_LOCAL. sent: some
** of the present attempt may have reached the service. */
void cbc_exchange_cancel(cbc_exchange *x, cbc_end end, bool sent);

#endif
