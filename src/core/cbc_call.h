/*
** cbc_call.h - one call from request to answer: it carries out with the
** transport what the exchange asks for. The driver, who may be blocking, a
** coroutine or somebody's loop, asks cbc_call_next what to do and does it:
**
**   while ((what = cbc_call_next(call)) != CBC_DO_FINISH)
**     switch (what) {
**     case CBC_DO_SEND:  cbc_call_send(call, &err);  break;
**     case CBC_DO_WAIT:  cbc_call_wait(call, &err);  break;
**     case CBC_DO_REPLY: cbc_call_took(call);        break;
**     case CBC_DO_READ:  cbc_call_read(call, verdict);  break;
**     case CBC_DO_JUDGE: cbc_call_judge(call, verdict); break;
**     case CBC_DO_TAKE:  use and empty the piece; cbc_call_resume(call, &err); break;
**     case CBC_DO_FEED:  fill the feed; cbc_call_resume(call, &err); break;
**     }
**
** Who can't block, or may do something else meanwhile, parks at CBC_DO_WAIT and comes
** back when cbc_call_next_parked returns the call.
**
** The client may be closed between any two steps: the next one then says
** CBC_DO_FINISH, unless a whole reply is there already, which is still read.
*/
#ifndef CBC_CALL_H
#define CBC_CALL_H

#include "cbc_client.h"
#include "cbc_transfer.h"

typedef enum cbc_do {
  CBC_DO_SEND,  /* an attempt, or a probe, is about to be sent */
  CBC_DO_WAIT,  /* nothing but wait */
  CBC_DO_TAKE,  /* a piece of the streamed reply waits in its body */
  CBC_DO_FEED,  /* the request's body wants more bytes */
  CBC_DO_REPLY, /* an attempt, or a probe, is over */
  CBC_DO_READ,  /* the call's 2xx reply wants reading */
  CBC_DO_JUDGE, /* the probe's reply wants reading */
  CBC_DO_FINISH /* the call is over: see its exchange */
} cbc_do;

typedef struct cbc_call {
  const cbc_env *env;
  cbc_client *client;
  cbc_request request; /* filled by the caller before the first step */
  cbc_request probe;   /* the confirming GET; its url may stay empty */
  cbc_exchange exchange;
  cbc_transfer *attempt; /* the call itself on the wire; NULL before the first */
  cbc_transfer *reading; /* the confirmation on the wire; NULL before the first */
  cbc_error error;       /* why it was aborted */
  cbc_waiter waiter;
  void *ud;     /* the driver's */
  bool sending; /* the present attempt or probe was begun */
  bool held;    /* in use: the client is held */
} cbc_call;

/* A call of the client, in use: its requests are empty and the URL of the first is
** set to the endpoint. NULL and an error (CBC_ENOMEM, CBC_ECLOSED). The caller
** owns it; the client must not be freed before it has ended. */
cbc_call *cbc_call_new(cbc_client *c, cbc_error *err);

/* Breaks it off where it stands and lets go of all but its memory: it can be used
** again, or freed, even after its client. */
void cbc_call_end(cbc_call *call);

/* Begins the next use of a call that has ended. CBC_OK or CBC_ECLOSED. */
cbc_code cbc_call_renew(cbc_call *call, cbc_error *err);

/* Ends it and frees its memory. NULL is allowed. */
void cbc_call_free(cbc_call *call);

/* Begins the exchange. policy NULL: the client's. */
void cbc_call_start(cbc_call *call, const cbc_policy *policy, cbc_repeat repeat);

/* Begins a call that sends nothing and is over, applied, after so many seconds. */
void cbc_call_pause(cbc_call *call, double seconds);

cbc_do cbc_call_next(cbc_call *call);

/* Sends. CBC_OK, also when libcurl refused to begin, which ends the attempt;
** CBC_ENOMEM. */
cbc_code cbc_call_send(cbc_call *call, cbc_error *err);

/* Waits a little (at most CBC_WAIT_MOST seconds). CBC_OK, CBC_EINTR, CBC_ENOMEM,
** CBC_ETRANSPORT. */
cbc_code cbc_call_wait(cbc_call *call, cbc_error *err);

/* For a driver that blocks, and so keeps those from going on who came before: does not
** let the call wait for its turn. Returns whether that was what it waited for: then it
** need not wait. */
bool cbc_call_admit(cbc_call *call);

/* Before parking: lets libcurl act if it is due, so that what was begun is written.
** Returns as above. */
cbc_code cbc_call_kick(cbc_call *call, cbc_error *err);

/* Parks it until it can go on, or perhaps earlier: the driver looks by
** cbc_call_next. task: see cbc_waiters_park. CBC_OK; CBC_ENOMEM; CBC_ECLOSED: then
** there is nothing to wait for. */
cbc_code cbc_call_park(cbc_call *call, bool task, cbc_error *err);

/* If it is parked, it can go on: cbc_call_next_parked returns it. */
void cbc_call_wake(cbc_call *call);

/* It is no longer parked, if it was. */
void cbc_call_unpark(cbc_call *call);

/* A parked call of the client that can go on, once each time that it can: of the
** tasks, or of those parked in a host's loop. NULL when there is none. */
cbc_call *cbc_call_next_parked(cbc_client *c, bool task);

/* Takes note of the reply, or of its absence. */
void cbc_call_took(cbc_call *call);

/* Reports what the call's 2xx reply says. */
void cbc_call_read(cbc_call *call, cbc_verdict verdict);

/* Reports what the probe's reply says. */
void cbc_call_judge(cbc_call *call, cbc_verdict verdict);

/* Goes on after CBC_DO_TAKE or CBC_DO_FEED. CBC_OK, CBC_ENOMEM, CBC_ETRANSPORT. */
cbc_code cbc_call_resume(cbc_call *call, cbc_error *err);

/* Ends the call because of an error on this side, which it keeps, and breaks off
** what is in flight. Its end is CBC_END_LOCAL for a file's error, and
** CBC_END_TRANSPORT for the transport's. */
void cbc_call_abort(cbc_call *call, const cbc_error *err);

/* The transfer at work: the probe's while confirming, else the attempt's; NULL
** before the first. Owned by the call. */
cbc_transfer *cbc_call_transfer(const cbc_call *call);

/* True while confirming. */
bool cbc_call_probing(const cbc_call *call);

#endif
