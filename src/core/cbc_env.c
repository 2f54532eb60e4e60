/*
** cbc_env.c - the default environment, and allocation through any.
*/
#define _DEFAULT_SOURCE /* getentropy */
#define _DARWIN_C_SOURCE

#include "cbc_env.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__APPLE__)
#include <sys/random.h> /* getentropy, which others have in <unistd.h> */
#endif

static void *default_alloc(void *ud, void *block, size_t osize, size_t nsize) {
  (void)ud;
  (void)osize;
  if (nsize == 0) {
    free(block);
    return NULL;
  }
  return realloc(block, nsize);
}

static double read_clock(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double default_now(void *ud) {
  (void)ud;
  return read_clock(CLOCK_MONOTONIC);
}

static double default_wall(void *ud) {
  (void)ud;
  return read_clock(CLOCK_REALTIME);
}

static double default_random(void *ud) {
  uint32_t bits = 0;
  (void)ud;
  /* A failure leaves 0: a shorter pause, nothing worse. */
  if (getentropy(&bits, sizeof bits) != 0) bits = 0;
  return (double)bits / ((double)UINT32_MAX + 1.0);
}

static int default_wait(void *ud, struct pollfd *fds, nfds_t count, int milliseconds) {
  (void)ud;
  return poll(fds, count, milliseconds);
}

const cbc_env *cbc_env_default(void) {
  static const cbc_env env = {NULL,         default_alloc,  default_now,
                              default_wall, default_random, default_wait};
  return &env;
}

void *cbc_alloc(const cbc_env *env, size_t nsize) {
  return env->alloc(env->ud, NULL, 0, nsize);
}

void *cbc_realloc(const cbc_env *env, void *block, size_t osize, size_t nsize) {
  return env->alloc(env->ud, block, osize, nsize);
}

void cbc_free(const cbc_env *env, void *block, size_t osize) {
  if (block != NULL) env->alloc(env->ud, block, osize, 0);
}

/* explicit_bzero is not everywhere. A store through a volatile pointer is made,
** though it is never read. */
static void wipe(void *block, size_t size) {
  volatile unsigned char *bytes = block;
  while (size > 0)
    bytes[--size] = 0;
}

void cbc_free_secret(const cbc_env *env, void *block, size_t osize) {
  if (block == NULL) return;
  wipe(block, osize);
  cbc_free(env, block, osize);
}
