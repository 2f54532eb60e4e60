/*
** cbc_buffer.h - a growing run of bytes. Running out of memory is remembered
** in the buffer, so that a series of appends needs one check at its end.
*/
#ifndef CBC_BUFFER_H
#define CBC_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "cbc_env.h"

typedef struct cbc_buffer {
  const cbc_env *env;
  char *data;  /* owned; not terminated unless cbc_buffer_string was called */
  size_t size; /* bytes in use */
  size_t capacity;
  bool failed; /* an append ran out of memory; its bytes are missing */
} cbc_buffer;

/* An empty buffer. Allocates nothing. env must outlive it. */
void cbc_buffer_init(cbc_buffer *b, const cbc_env *env);

/* Frees the memory; the buffer is empty and usable again. */
void cbc_buffer_free(cbc_buffer *b);

/* Empties it and keeps its memory for the next use, unless that is larger than
** keep bytes. */
void cbc_buffer_reset(cbc_buffer *b, size_t keep);

/* Appends n bytes. False (and failed set) when out of memory. */
bool cbc_buffer_add(cbc_buffer *b, const void *bytes, size_t n);

/* Appends a string without its terminator. */
bool cbc_buffer_adds(cbc_buffer *b, const char *s);

/* Removes the first n bytes; the rest is moved to the front. */
void cbc_buffer_drop(cbc_buffer *b, size_t n);

/* The bytes as a terminated string, owned by the buffer and valid until its
** next change; NULL when out of memory, now or in an earlier append. */
const char *cbc_buffer_string(cbc_buffer *b);

#endif
