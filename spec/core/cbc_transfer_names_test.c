/*
** cbc_transfer_names_test.c - how long the address of a name is used. libcurl finds the
** clock and the lookup of names of this program in the place of the system's.
*/
#define _GNU_SOURCE /* RTLD_NEXT */

#include "scene.h"

#include <dlfcn.h>
#include <netdb.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

/* ==== The system, as libcurl sees it ================================== */

#pragma GCC visibility push(default)

static atomic_int seconds_ahead;
static atomic_int lookups;

/* The function of that name that stands behind the one here. */
static void find_next(const char *name, void *function, size_t size) {
  void *found = dlsym(RTLD_NEXT, name);
  memcpy(function, &found, size); /* ISO C knows no conversion */
}

int clock_gettime(clockid_t clock, struct timespec *t) {
  int (*next)(clockid_t, struct timespec *);
  int rc;
  find_next("clock_gettime", &next, sizeof next);
  rc = next(clock, t);
  if (rc == 0) t->tv_sec += seconds_ahead;
  return rc;
}

time_t time(time_t *t) {
  struct timespec now = {0};
  clock_gettime(CLOCK_REALTIME, &now);
  if (t != NULL) *t = now.tv_sec;
  return now.tv_sec;
}

/* Every name is this machine's. Called in a thread of libcurl's. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
  int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  (void)name;
  lookups++;
  find_next("getaddrinfo", &next, sizeof next);
  return next("127.0.0.1", service, hints, found);
}

#pragma GCC visibility pop

/* ==== The tests ======================================================= */

/* Closes a record through a connection of its own. */
static void perform(scene *s) {
  assert_int_equal(scene_perform(s)->status, 200);
}

static void an_address_is_looked_up_again_after_a_minute(void **state) {
  static const loopback_step last = {
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", LOOPBACK_CLOSE};
  scene s;
  (void)state;
  scene_open_at(&s, "connect.test", &last, 1);
  scene_describe(&s, "POST", "/p");
  perform(&s);
  assert_int_equal(lookups, 1);
  perform(&s);
  assert_int_equal(loopback_connections(s.server), 2);
  assert_int_equal(lookups, 1);
  seconds_ahead += 61;
  perform(&s);
  assert_int_equal(loopback_connections(s.server), 3);
  assert_int_equal(lookups, 2);
  scene_close(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_address_is_looked_up_again_after_a_minute)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
