/*
** cbl_job.h - the userdata of one call: the core's call, what its request and
** its answer are about, and all that C points into while it is in flight.
**
** What C borrows from Lua stands in the userdata's user values. A coroutine
** that fails inside a call is collected together with what stands on its stack,
** in any order; a user value outlives the finalizer that ends the call.
*/
#ifndef CBL_JOB_H
#define CBL_JOB_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

#include "cbc_call.h"
#include "cbc_file.h"
#include "cbc_url.h"
#include "cbl_client.h"
#include "cbl_endpoints.h"

/* User values of a job. */
typedef enum cbl_anchor {
  CBL_JOB_CLIENT = 1,   /* userdata: the core's client must not go before its call */
  CBL_JOB_ID,           /* string: id of the object */
  CBL_JOB_FILE_ID,      /* string: id that the second route needs */
  CBL_JOB_BILLING_ID,   /* string */
  CBL_JOB_NOTE,         /* string: billing note */
  CBL_JOB_BODY,         /* string: the request's JSON text */
  CBL_JOB_HEADERS,      /* userdata: the request's headers */
  CBL_JOB_SOURCE,       /* what an upload's bytes come from: a string or a userdata */
  CBL_JOB_PART,         /* string: a field beside the upload */
  CBL_JOB_FILENAME,     /* string: name of the upload */
  CBL_JOB_TARGET,       /* userdata: the file that a download goes to */
  CBL_JOB_FUNCTION,     /* function: reads an upload, or takes a download */
  CBL_JOB_PROGRESS,     /* function(done, total) */
  CBL_JOB_REASON,       /* string: why the reply is no success */
  CBL_JOB_CONFIRMATION, /* string: what the confirming reply says */
  CBL_JOB_ENTRIES,      /* table: the entries of a batch */
  CBL_JOB_ANCHORS = CBL_JOB_ENTRIES
} cbl_anchor;

/* The object that a call is about, and what shows that a change of it is this
** call's own. Bytes belong to strings in user values; NULL: not given. */
typedef struct cbl_subject {
  cbc_segment id;
  cbc_segment billing_id;
  cbc_segment note;
} cbl_subject;

/* Where the reply to a download goes (cbl_download.h). */
typedef struct cbl_download {
  cbc_file **file;   /* takes the pieces: in a userdata, where it is NULL when that is closed */
  bool sink;         /* a function takes the pieces */
  int attempt;       /* of which attempt the pieces so far are; -1: none */
  lua_Integer taken; /* bytes of that attempt so far */
} cbl_download;

typedef struct cbl_job {
  cbl_client *client;           /* held by a user value */
  cbc_call *call;               /* owned, and used again by the next call; NULL before the first */
  const cbl_class *class;       /* of the collection; NULL for client:request */
  const cbl_endpoint *endpoint; /* the present row */
  cbl_subject subject;
  cbc_segment file_id; /* as above */
  bool second_route;   /* endpoint is the second of two rows: the first was not served */
  cbc_feed *feed;      /* of an upload by a function; owned by a userdata; NULL without */
  cbl_download download;
  cbc_error file_error; /* a local file's that ends the call at its start; CBC_OK: none */
  double progress_done; /* bytes that were last reported to the progress function */
  bool parked;          /* the call may be among those that are parked */
  bool running;         /* in use by what runs now, and not by a suspended coroutine */
  bool in_main;         /* in the main thread */
  bool deferred;        /* its finalizer has come while it ran, and comes again */
  unsigned anchored;    /* a bit for each user value in use */
  int results;          /* values on the stack that a success returns */
} cbl_job;

/* Makes the metatable. Pushes nothing. */
void cbl_job_open(lua_State *L);

/* Pushes a job of the client at index client, to be closed when the function
** that called returns or an error passes; its call has the client's endpoint
** for a URL and nothing else yet. Raises when the client is closed or memory
** is out. */
cbl_job *cbl_job_push(lua_State *L, int client, const cbl_class *class,
                      const cbl_endpoint *endpoint);

/* Pops a value and keeps it as a user value of the job at index idx. */
void cbl_job_anchor(lua_State *L, int idx, cbl_anchor place);

/* Pops the JSON text and makes it the body of the request of the job at index idx. */
void cbl_job_take_body(lua_State *L, int idx);

/* Makes the text that was written for the request of the job its body. Raises when memory
** was out. */
void cbl_job_take_text(lua_State *L, cbl_job *job);

/* Pushes a user value of the job at index idx; returns its type. */
int cbl_job_push_anchored(lua_State *L, int idx, cbl_anchor place);

/* Takes the call of the job at index idx out of those that are parked, if it is one. */
void cbl_job_unpark(lua_State *L, int idx);

/* True when the place has a value: cheaper than pushing it. */
bool cbl_job_has(const cbl_job *job, cbl_anchor place);

/* True when the request uploads a file. */
bool cbl_job_uploads(const cbl_job *job);

/* Appends a row's route with the ids in its holes. A leading '^' leaves the
** collection at base_uri out. */
void cbl_job_add_route(cbc_buffer *url, const char *base_uri, const char *route,
                       const cbc_segment *ids);

#endif
