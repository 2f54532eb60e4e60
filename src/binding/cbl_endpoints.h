/*
** cbl_endpoints.h - the operations of the API as data. An operation is a row:
** its method, its route, what its parameters mean, what comes back, and how to
** learn whether it took effect. One function carries out every row
** (cbl_action.h).
*/
#ifndef CBL_ENDPOINTS_H
#define CBL_ENDPOINTS_H

#include <stddef.h>

/* What an argument of a method is. */
typedef enum cbl_param {
  CBL_PARAM_NONE,            /* ends the list */
  CBL_PARAM_ID,              /* the next "{id}" of the route; the first is the object meant */
  CBL_PARAM_FILE_ID,         /* id of a usage file, which only the second route holds; or nil */
  CBL_PARAM_PRODUCT_ID,      /* as CBL_PARAM_ID */
  CBL_PARAM_ACTION,          /* the next "{id}" of the route */
  CBL_PARAM_RECORD_ID,       /* field "id" of the body; the object meant */
  CBL_PARAM_BILLING_ID,      /* field of the body, not empty; or nil */
  CBL_PARAM_BILLING_NOTE,    /* field of the body; or nil */
  CBL_PARAM_ACCEPTANCE_NOTE, /* field of the body; or nil */
  CBL_PARAM_REJECTION_NOTE,  /* field of the body; or nil */
  CBL_PARAM_OBJECT,          /* the body: a table */
  CBL_PARAM_BODY,            /* the body: a table; or nil for none */
  CBL_PARAM_FILTERS,         /* the query: a string, or what the writer of filters takes; or nil */
  CBL_PARAM_FILTER_OPTIONS,  /* goes with the filters before it */
  CBL_PARAM_USAGE_FILE,      /* a file, as a part of a multipart body */
  CBL_PARAM_RECON_FILE,      /* the same */
  CBL_PARAM_UPLOAD_NOTE,     /* a string as a part of a multipart body; or nil */
  CBL_PARAM_TARGET,          /* where a streamed reply goes: a path, a function; or nil */
  CBL_PARAMS                 /* how many kinds there are */
} cbl_param;

/* Most parameters of a row. Behind them every method takes a table of options. */
#define CBL_PARAMS_MAX 4

/* What the fields among the parameters make of the body. */
typedef enum cbl_shape {
  CBL_SHAPE_NONE,   /* nothing */
  CBL_SHAPE_OBJECT, /* {"field": ...} */
  CBL_SHAPE_LIST    /* [{"field": ...}] */
} cbl_shape;

/* What a success returns. */
typedef enum cbl_returns {
  CBL_RETURNS_ANY, /* the decoded reply, or true for an empty one; and { status, headers, attempts }
                    */
  CBL_RETURNS_RAW, /* the reply's bytes; and { status, headers, attempts } */
  CBL_RETURNS_TABLE,   /* the decoded reply, or true for an empty one to a change */
  CBL_RETURNS_OBJECT,  /* the same, and it is the object whose id was given */
  CBL_RETURNS_LIST,    /* the decoded reply, which is a list; and { status, headers, attempts } */
  CBL_RETURNS_TRUE,    /* true, whatever the reply holds */
  CBL_RETURNS_CHUNK,   /* a chunk: the object whose id was given */
  CBL_RETURNS_CLOSED,  /* a chunk: the object whose id was given, closed as was asked */
  CBL_RETURNS_ENTRY,   /* a chunk: the entry of the list for the object, closed */
  CBL_RETURNS_BATCH,   /* true, or the decoded reply to a batch (cbl_batch.h) */
  CBL_RETURNS_SETTLED, /* the same as CLOSED, or false when the object is not closed */
  CBL_RETURNS_BYTES    /* the reply's bytes, or how many went to the target */
} cbl_returns;

typedef struct cbl_endpoint {
  const char *name;   /* of the method in Lua */
  const char *method; /* of HTTP */
  const char *route;  /* below the collection, or with a leading '^' below the endpoint */
  cbl_shape shape;
  cbl_returns returns;
  const char *confirm; /* route of the GET that shows whether it took effect, its "{id}" the object;
                       ** NULL: can't be shown */
  cbl_param params[CBL_PARAMS_MAX + 1];
  const struct cbl_endpoint *otherwise; /* used where the service does not have the route */
} cbl_endpoint;

typedef struct cbl_class {
  const char *name;              /* of the Lua class */
  const char *base_uri;          /* of its collection; NULL for any */
  const char *property;          /* of the client; NULL without */
  const char *object;            /* what one of its objects is called */
  const cbl_endpoint *endpoints; /* beside those of every collection; ends with a NULL name */
} cbl_class;

/* All classes; the first is GenericResource; ends with a NULL name. */
extern const cbl_class cbl_classes[];

/* The operations of every collection; ends with a NULL name. */
extern const cbl_endpoint cbl_generic_endpoints[];

/* chunk:refresh, of any class. */
extern const cbl_endpoint cbl_refresh_endpoint;

/* The row of that name among those of the class alone; NULL without. */
const cbl_endpoint *cbl_class_find(const cbl_class *class, const char *name);

#endif
