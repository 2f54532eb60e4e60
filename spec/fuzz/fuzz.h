/*
** fuzz.h - what the fuzz targets share. A target is a file NAME_fuzz.c with the
** function that libFuzzer calls for every input. `make torture` runs each of
** them under libFuzzer with AddressSanitizer; `make test` feeds them the seeds
** of corpus/NAME and texts made from those, by way of corpus.c.
**
** A target not only must not crash: it holds what was read against somebody
** else's reading of the same bytes, and aborts where they differ.
*/
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process with the place and the condition that did not hold. */
#define MUST(condition)                                                       \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      abort();                                                                \
    }                                                                         \
  } while (0)

/* A copy with a NUL byte behind it, so that reading past the end is seen. */
static inline char *copy_text(const uint8_t *data, size_t size) {
  char *text = malloc(size + 1);
  if (text == NULL) abort();
  if (size > 0) memcpy(text, data, size);
  text[size] = '\0';
  return text;
}

#endif
