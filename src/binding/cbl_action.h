/*
** cbl_action.h - the table of actions. An operation of the API is a row: its
** method, its route, what its arguments mean, what comes back, and how to learn
** whether it took effect. One function carries out every row.
*/
#ifndef CBL_ACTION_H
#define CBL_ACTION_H

#include <lauxlib.h>
#include <lua.h>

/* What an argument of an action is. */
typedef enum cbl_param_kind {
  CBL_PARAM_NONE,     /* ends the list */
  CBL_PARAM_ID,       /* the next "{id}" of the route; what is confirmed */
  CBL_PARAM_ASIDE,    /* an id that the route does not hold */
  CBL_PARAM_SUBJECT,  /* a field of the body that is an id; what is confirmed */
  CBL_PARAM_BILLING,  /* a field of the body: the billing id, not empty */
  CBL_PARAM_FIELD,    /* a field of the body: a string */
  CBL_PARAM_OBJECT,   /* the body: a table */
  CBL_PARAM_ANY_BODY, /* the body: a table, or nil for none */
  CBL_PARAM_FILTER,   /* the query: a string, or what the writer of filters takes, with options */
  CBL_PARAM_FILE,     /* a file, as a part of a multipart body */
  CBL_PARAM_PART,     /* a string, or nil, as a part of a multipart body */
  CBL_PARAM_TARGET,   /* where a streamed reply goes: a path, a function, or nil */
  CBL_PARAM_OPTIONS   /* time-outs, retries and onProgress, or nil */
} cbl_param_kind;

typedef struct cbl_param {
  cbl_param_kind kind;
  const char *name;  /* as messages call it */
  const char *field; /* its name in the body, or as a part */
} cbl_param;

#define CBL_PARAMS_MAX 4

/* What the fields of the body make. */
typedef enum cbl_shape {
  CBL_SHAPE_NONE,   /* no fields */
  CBL_SHAPE_OBJECT, /* {"field": ...} */
  CBL_SHAPE_LIST    /* [{"field": ...}] */
} cbl_shape;

/* What a success gives back. */
typedef enum cbl_returns {
  CBL_RETURNS_TABLE, /* the decoded reply */
  CBL_RETURNS_LIST,  /* the decoded reply, and { status, headers } */
  CBL_RETURNS_TRUE,  /* true, whatever the reply holds */
  CBL_RETURNS_CHUNK, /* a chunk made from the reply */
  CBL_RETURNS_ENTRY, /* a chunk made from the entry of the list that tells of the subject */
  CBL_RETURNS_BYTES  /* the reply's bytes, or how many went to the target */
} cbl_returns;

typedef struct cbl_action {
  const char *name;   /* of the method in Lua */
  const char *method; /* of HTTP */
  const char *route;  /* below the collection, or with a leading '^' below the endpoint */
  cbl_shape shape;
  cbl_returns returns;
  cbl_param params[CBL_PARAMS_MAX + 1];
  const char *confirm; /* route below the collection of the GET that tells whether it took effect,
                       ** its "{id}" the subject; NULL: can't be told */
  const struct cbl_action *otherwise; /* tried where the service does not know the route */
} cbl_action;

typedef struct cbl_class {
  const char *name;          /* of the Lua class */
  const char *base_uri;      /* of its collection; NULL for any */
  const char *property;      /* of the client; NULL without */
  const cbl_action *actions; /* beside the generic ones; ends with a NULL name */
} cbl_class;

/* All classes; the first is GenericResource; ends with a NULL name. */
extern const cbl_class cbl_classes[];

/* The actions that every resource has; ends with a NULL name. */
extern const cbl_action cbl_generic_actions[];

/* Carries out an action on the collection at base_uri for the client at index
** client; its arguments stand at first and after. Returns how many results it
** pushed. */
int cbl_action_perform(lua_State *L, const cbl_action *action, const char *base_uri, int client,
                       int first);

#endif
