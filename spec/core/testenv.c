/*
** testenv.c - surroundings for the core under test.
*/
#include "testenv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Stands before every block. */
typedef union head {
  size_t size;
  max_align_t align;
} head;

/* ==== Memory ========================================================== */

static bool must_fail(testenv *t) {
  t->allocations++;
  if (t->fail_at == 0 || t->allocations < t->fail_at) return false;
  if (t->allocations > t->fail_at && !t->fail_on) return false;
  t->failures++;
  return true;
}

static bool holds_secret(const testenv *t, const char *bytes, size_t n) {
  size_t size = t->secret != NULL ? strlen(t->secret) : 0;
  for (size_t i = 0; size > 0 && i + size <= n; i++)
    if (memcmp(bytes + i, t->secret, size) == 0) return true;
  return false;
}

/* Nothing that is used after this reads as what it was. */
static void give_back(testenv *t, void *block, size_t osize) {
  head *h = (head *)block - 1;
  if (h->size != osize) t->mistakes++;
  if (holds_secret(t, block, h->size)) t->spills++;
  t->blocks--;
  t->bytes -= h->size;
  memset(block, 0xDD, h->size);
  free(h);
}

/* A block never grows in place, so that no pointer into it survives by luck. */
static void *test_alloc(void *ud, void *block, size_t osize, size_t nsize) {
  testenv *t = ud;
  head *h;
  if (nsize == 0) {
    if (block != NULL)
      give_back(t, block, osize);
    else
      t->mistakes++; /* a host's allocator need not know what that means */
    return NULL;
  }
  if (must_fail(t) || (h = malloc(sizeof *h + nsize)) == NULL) return NULL;
  h->size = nsize;
  t->blocks++;
  t->bytes += nsize;
  memset(h + 1, 0xCC, nsize);
  if (block != NULL) {
    memcpy(h + 1, block, osize < nsize ? osize : nsize);
    give_back(t, block, osize);
  }
  return h + 1;
}

/* ==== Time and chance ================================================= */

static double test_now(void *ud) {
  testenv *t = ud;
  struct timespec real;
  if (t->clock >= 0) return t->clock;
  clock_gettime(CLOCK_MONOTONIC, &real);
  return (double)real.tv_sec + (double)real.tv_nsec / 1e9;
}

static double test_wall(void *ud) {
  return ((testenv *)ud)->calendar;
}

static double test_random(void *ud) {
  return ((testenv *)ud)->dice;
}

/* A clock that stands still moves by what is waited for in vain. */
static int test_wait(void *ud, struct pollfd *fds, nfds_t count, int milliseconds) {
  testenv *t = ud;
  int ready;
  if (t->clock < 0) return poll(fds, count, milliseconds);
  ready = count > 0 ? poll(fds, count, 0) : 0;
  if (ready == 0) t->clock += milliseconds / 1e3;
  return ready;
}

/* ==== For tests ======================================================= */

void testenv_init(testenv *t) {
  *t = (testenv){.clock = 1000, .calendar = 1767225600};
  t->env = (cbc_env){t, test_alloc, test_now, test_wall, test_random, test_wait};
}

void testenv_fail(testenv *t, size_t n, bool on) {
  t->fail_at = n > 0 ? t->allocations + n : 0;
  t->fail_on = on;
}

void testenv_check(const testenv *t) {
  assert_int_equal(t->blocks, 0);
  assert_int_equal(t->bytes, 0);
  assert_int_equal(t->mistakes, 0);
  assert_int_equal(t->spills, 0);
}

uint32_t testenv_below(uint32_t *state, uint32_t most) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state % most;
}

uint32_t testenv_number(const char *variable, uint32_t otherwise) {
  const char *value = getenv(variable);
  return value != NULL && *value != '\0' ? (uint32_t)strtoul(value, NULL, 10) : otherwise;
}

bool testenv_same(double a, double b) {
  return a - b < 1e-9 && b - a < 1e-9;
}
