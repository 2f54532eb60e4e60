/*
** corpus.c - runs a fuzz target without libFuzzer: every file that is named, and
** for each a number of texts made from it by changing bytes. The same ones every
** time.
**
**   TARGET [-n CHANGED] FILE...
*/
#include "fuzz.h"

/* Longer files are cut. */
#define SIZE_MOST 65536

static uint32_t state = 2463534242U;

static uint32_t below(uint32_t most) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state % most;
}

/* Bytes that mean something to some reader. */
static uint8_t a_byte(void) {
  static const char some[] =
      "\"\\{}[],:/%.@?#0123456789eE+-tfn \t\r\n\x01\x7f\x80\xc2\xe2\xed\xf4\xff";
  return below(3) == 0 ? (uint8_t)below(256) : (uint8_t)some[below(sizeof some)];
}

/* Changes, takes out, puts in or doubles a few bytes. Returns the new size. */
static size_t change(uint8_t *bytes, size_t n) {
  for (uint32_t times = 1 + below(4); times > 0; times--) {
    size_t at = below((uint32_t)n + 1);
    uint32_t kind = below(4);
    if (kind == 0 && at < n) {
      bytes[at] = a_byte();
    } else if (kind == 1 && at < n) {
      memmove(bytes + at, bytes + at + 1, n - at - 1);
      n--;
    } else if (kind == 2 && n < SIZE_MOST) {
      memmove(bytes + at + 1, bytes + at, n - at);
      bytes[at] = a_byte();
      n++;
    } else if (kind == 3 && 2 * (n - at) < SIZE_MOST - at) {
      memcpy(bytes + n, bytes + at, n - at);
      n += n - at;
    }
  }
  return n;
}

/* The target gets a block of just the size, so that a checker sees its end. */
static void feed(const uint8_t *bytes, size_t n) {
  uint8_t *block = malloc(n > 0 ? n : 1);
  if (block == NULL) abort();
  if (n > 0) memcpy(block, bytes, n);
  LLVMFuzzerTestOneInput(block, n);
  free(block);
}

static int run_file(const char *name, long changed) {
  static uint8_t seed[SIZE_MOST], bytes[2 * SIZE_MOST];
  FILE *file = fopen(name, "rb");
  size_t size;
  if (file == NULL) {
    perror(name);
    return 1;
  }
  size = fread(seed, 1, sizeof seed, file);
  fclose(file);
  feed(seed, size);
  for (long i = 0; i < changed; i++) {
    memcpy(bytes, seed, size);
    feed(bytes, change(bytes, size));
  }
  return 0;
}

int main(int argc, char **argv) {
  long changed = 0;
  int first = 1, failed = 0;
  if (argc > 2 && strcmp(argv[1], "-n") == 0) {
    changed = strtol(argv[2], NULL, 10);
    first = 3;
  }
  for (int i = first; i < argc; i++)
    failed |= run_file(argv[i], changed);
  printf("%d seeds, each in %ld forms\n", argc - first, changed + 1);
  return failed || argc == first;
}
