/*
** cbc_buffer.c - a growing run of bytes.
*/
#include "cbc_buffer.h"

#include <stdint.h>
#include <string.h>

#define INITIAL_CAPACITY 256

void cbc_buffer_init(cbc_buffer *b, const cbc_env *env) {
  *b = (cbc_buffer){.env = env};
}

void cbc_buffer_free(cbc_buffer *b) {
  cbc_free(b->env, b->data, b->capacity);
  cbc_buffer_init(b, b->env);
}

void cbc_buffer_reset(cbc_buffer *b, size_t keep) {
  if (b->capacity > keep) cbc_buffer_free(b);
  b->size = 0;
  b->failed = false;
}

/* Makes room for n more bytes, doubling so that appends stay linear. */
static bool reserve(cbc_buffer *b, size_t n) {
  size_t capacity = b->capacity != 0 ? b->capacity : INITIAL_CAPACITY;
  char *data;
  if (n <= b->capacity - b->size) return true;
  if (n > SIZE_MAX / 2 - b->size) return false;
  while (capacity - b->size < n)
    capacity *= 2;
  data = cbc_realloc(b->env, b->data, b->capacity, capacity);
  if (data == NULL) return false;
  b->data = data;
  b->capacity = capacity;
  return true;
}

bool cbc_buffer_add(cbc_buffer *b, const void *bytes, size_t n) {
  if (n == 0) return !b->failed;
  if (b->failed || !reserve(b, n)) {
    b->failed = true;
    return false;
  }
  memcpy(b->data + b->size, bytes, n);
  b->size += n;
  return true;
}

bool cbc_buffer_adds(cbc_buffer *b, const char *s) {
  return cbc_buffer_add(b, s, strlen(s));
}

void cbc_buffer_drop(cbc_buffer *b, size_t n) {
  if (n == 0) return;
  memmove(b->data, b->data + n, b->size - n);
  b->size -= n;
}

const char *cbc_buffer_string(cbc_buffer *b) {
  if (!cbc_buffer_add(b, "", 1)) return NULL;
  b->size--;
  return b->data;
}
