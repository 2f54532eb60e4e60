/*
** testenv.h - surroundings for the core under test: memory that is counted and
** can end, a clock and a randomness that stand still until a test moves them.
*/
#ifndef TESTENV_H
#define TESTENV_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants the five above before it. */
#include <cmocka.h>

#include "cbc_env.h"

typedef struct testenv {
  cbc_env env;        /* what the core is handed; its ud is this struct */
  size_t blocks;      /* alive */
  size_t bytes;       /* in them */
  size_t allocations; /* tried so far: new blocks and those that grow */
  size_t fail_at;     /* number of the first allocation that fails; 0: none */
  bool fail_on;       /* the later ones fail as well */
  size_t failures;    /* allocations that failed so far */
  const char *secret; /* looked for in every block that is given back; NULL: not */
  size_t spills;      /* blocks given back with the secret in them */
  size_t mistakes;    /* blocks given back under another size than theirs, or none */
  double clock;       /* seconds, what now() says; < 0: the real clock */
  double calendar;    /* seconds since the epoch, what wall() says */
  double dice;        /* what random() says */
} testenv;

/* Memory without end, clock at 1000 s, calendar at 1767225600 (2026-01-01), dice
** at 0. */
void testenv_init(testenv *t);

/* From now on the n-th allocation (1: the next) fails, and with on every one
** after it. n 0: none. */
void testenv_fail(testenv *t, size_t n, bool on);

/* Fails the test unless every block was given back, under its size, and none
** with the secret in it. */
void testenv_check(const testenv *t);

/* A small deterministic generator for tests that try random cases (xorshift).
** state must not be 0. Returns a number below most. */
uint32_t testenv_below(uint32_t *state, uint32_t most);

/* The number in an environment variable, or otherwise. */
uint32_t testenv_number(const char *variable, uint32_t otherwise);

/* True when the seconds differ by less than a nanosecond. */
bool testenv_same(double a, double b);

#endif
