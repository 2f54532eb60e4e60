/*
** cbc_slist.c - lists of headers in memory of the environment, so that the
** key can be wiped with them. struct curl_slist is public and libcurl only
** reads the lists it is given (CURLOPT_HTTPHEADER).
*/
#include "cbc_slist.h"

#include <stdio.h>
#include <string.h>

typedef struct node {
  struct curl_slist list; /* first, so that a node is a list */
  size_t size;            /* of the whole node, in bytes */
  char line[];
} node;

struct curl_slist *cbc_slist_add(const cbc_env *env, struct curl_slist *list, const char *name,
                                 const char *value) {
  /* "Name: value" sends it, "Name;" sends it empty, "Name:" removes it. */
  const char *joint = value == NULL ? ":" : *value == '\0' ? ";" : ": ";
  size_t line = strlen(name) + strlen(joint) + (value != NULL ? strlen(value) : 0) + 1;
  node *n = cbc_alloc(env, sizeof *n + line);
  if (n == NULL) return NULL;
  n->size = sizeof *n + line;
  snprintf(n->line, line, "%s%s%s", name, joint, value != NULL ? value : "");
  n->list.data = n->line;
  n->list.next = list;
  return &n->list;
}

void cbc_slist_free(const cbc_env *env, struct curl_slist *list, const struct curl_slist *end) {
  while (list != end) {
    node *n = (node *)list;
    list = list->next;
    cbc_free_secret(env, n, n->size);
  }
}
