/*
** cbc_env.h - what the core takes from its surroundings: memory, time,
** randomness and waiting, behind one replaceable table. Tests replace it, so that
** allocations fail and hours pass on demand.
*/
#ifndef CBC_ENV_H
#define CBC_ENV_H

#include <poll.h>
#include <stddef.h>

typedef struct cbc_env {
  /* Passed to every function below. */
  void *ud;

  /* As lua_Alloc: (NULL, 0, n) allocates, (p, old, n) resizes, (p, old, 0)
  ** frees and returns NULL. Returns NULL when out of memory; the old block
  ** is then untouched. */
  void *(*alloc)(void *ud, void *block, size_t osize, size_t nsize);

  /* Seconds on a clock that never goes back. */
  double (*now)(void *ud);

  /* Seconds since the epoch (1970-01-01T00:00:00Z), to read HTTP dates. */
  double (*wall)(void *ud);

  /* A number in [0, 1), to spread pauses. Need not be unpredictable. */
  double (*random)(void *ud);

  /* As poll(2): waits for any descriptor or for the milliseconds to pass.
  ** Returns how many are ready, 0 on timeout, -1 with errno. */
  int (*wait)(void *ud, struct pollfd *fds, nfds_t count, int milliseconds);
} cbc_env;

/* The table made of the C library. It is constant and shared. */
const cbc_env *cbc_env_default(void);

/* nsize bytes, uninitialised, or NULL. The caller owns them. */
void *cbc_alloc(const cbc_env *env, size_t nsize);

/* As realloc, with the old size known. NULL leaves the block untouched. */
void *cbc_realloc(const cbc_env *env, void *block, size_t osize, size_t nsize);

/* Frees a block of osize bytes. NULL is allowed. */
void cbc_free(const cbc_env *env, void *block, size_t osize);

/* As cbc_free, and no byte of the block outlives it: for what holds the key. */
void cbc_free_secret(const cbc_env *env, void *block, size_t osize);

#endif
