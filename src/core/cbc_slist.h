/*
** cbc_slist.h - lists of headers in memory of the environment, so that the key
** can be wiped with them.
*/
#ifndef CBC_SLIST_H
#define CBC_SLIST_H

#include <curl/curl.h>

#include "cbc_env.h"

/* Puts a line before a list of headers whose nodes come from env (libcurl only
** reads them). A NULL value removes libcurl's own header of that name. Returns
** the longer list, or NULL when out of memory, and the list is as it was. */
struct curl_slist *cbc_slist_add(const cbc_env *env, struct curl_slist *list, const char *name,
                                 const char *value);

/* Wipes and frees the nodes from list up to, not including, end. */
void cbc_slist_free(const cbc_env *env, struct curl_slist *list, const struct curl_slist *end);

#endif
