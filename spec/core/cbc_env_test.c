/*
** cbc_env_test.c - the default surroundings, and allocation through any.
*/
#include "testenv.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void blocks_are_taken_grown_and_given_back(void **state) {
  testenv t;
  char *block;
  (void)state;
  testenv_init(&t);
  block = cbc_alloc(&t.env, 3);
  memcpy(block, "abc", 3);
  block = cbc_realloc(&t.env, block, 3, 10000);
  assert_memory_equal(block, "abc", 3);
  assert_int_equal(t.bytes, 10000);
  cbc_free(&t.env, block, 10000);
  testenv_check(&t);
}

static void giving_back_nothing_is_allowed(void **state) {
  testenv t;
  (void)state;
  testenv_init(&t);
  cbc_free(&t.env, NULL, 7);
  cbc_free_secret(&t.env, NULL, 7);
  testenv_check(&t);
}

static void a_secret_does_not_outlive_its_block(void **state) {
  testenv t;
  char *block;
  (void)state;
  testenv_init(&t);
  t.secret = "s3cret";
  block = cbc_alloc(&t.env, 10);
  memcpy(block, "..s3cret..", 10);
  cbc_free_secret(&t.env, block, 10);
  testenv_check(&t);
}

/* The tests above can tell. */
static void the_test_surroundings_see_a_secret_that_is_left(void **state) {
  testenv t;
  char *block;
  (void)state;
  testenv_init(&t);
  t.secret = "s3cret";
  block = cbc_alloc(&t.env, 10);
  memcpy(block, "..s3cret..", 10);
  cbc_free(&t.env, block, 9);
  assert_int_equal(t.spills, 1);
  assert_int_equal(t.mistakes, 1);
}

static void memory_that_ends_is_NULL(void **state) {
  testenv t;
  char *block;
  (void)state;
  testenv_init(&t);
  block = cbc_alloc(&t.env, 1);
  *block = 'x';
  testenv_fail(&t, 1, false);
  assert_null(cbc_realloc(&t.env, block, 1, 2));
  assert_int_equal(*block, 'x');
  cbc_free(&t.env, block, 1);
  testenv_check(&t);
}

static void the_default_memory_is_the_C_librarys(void **state) {
  const cbc_env *env = cbc_env_default();
  char *block = cbc_alloc(env, 5);
  (void)state;
  memcpy(block, "12345", 5);
  block = cbc_realloc(env, block, 5, 500);
  assert_memory_equal(block, "12345", 5);
  cbc_free_secret(env, block, 500);
  assert_ptr_equal(env, cbc_env_default());
}

static void the_default_clock_goes_forward(void **state) {
  const cbc_env *env = cbc_env_default();
  struct timespec nap = {.tv_nsec = 2000000};
  double before = env->now(env->ud), after;
  (void)state;
  nanosleep(&nap, NULL);
  after = env->now(env->ud);
  assert_true(after - before >= 0.002 && after - before < 5);
}

static void the_default_calendar_is_the_systems(void **state) {
  const cbc_env *env = cbc_env_default();
  double wall = env->wall(env->ud);
  (void)state;
  assert_true(wall - (double)time(NULL) > -2 && wall - (double)time(NULL) < 2);
}

static void the_default_randomness_spreads(void **state) {
  const cbc_env *env = cbc_env_default();
  int halves[2] = {0, 0};
  (void)state;
  for (int i = 0; i < 1000; i++) {
    double r = env->random(env->ud);
    assert_true(r >= 0 && r < 1);
    halves[r >= 0.5]++;
  }
  assert_true(halves[0] > 300 && halves[1] > 300);
}

static void the_default_waiting_sees_a_descriptor(void **state) {
  const cbc_env *env = cbc_env_default();
  struct pollfd p;
  int ends[2];
  (void)state;
  assert_int_equal(pipe(ends), 0);
  p = (struct pollfd){.fd = ends[0], .events = POLLIN};
  assert_int_equal(env->wait(env->ud, &p, 1, 0), 0);
  assert_int_equal(write(ends[1], "x", 1), 1);
  assert_int_equal(env->wait(env->ud, &p, 1, 1000), 1);
  assert_true(p.revents & POLLIN);
  close(ends[0]);
  close(ends[1]);
}

static void on_alarm(int number) {
  (void)number;
}

static void a_signal_ends_the_default_waiting(void **state) {
  const cbc_env *env = cbc_env_default();
  struct sigaction action = {.sa_handler = on_alarm}, before;
  int rc, reason;
  (void)state;
  sigaction(SIGALRM, &action, &before);
  alarm(1);
  rc = env->wait(env->ud, NULL, 0, 30000);
  reason = errno;
  sigaction(SIGALRM, &before, NULL);
  assert_int_equal(rc, -1);
  assert_int_equal(reason, EINTR);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_are_taken_grown_and_given_back),
      cmocka_unit_test(giving_back_nothing_is_allowed),
      cmocka_unit_test(a_secret_does_not_outlive_its_block),
      cmocka_unit_test(the_test_surroundings_see_a_secret_that_is_left),
      cmocka_unit_test(memory_that_ends_is_NULL),
      cmocka_unit_test(the_default_memory_is_the_C_librarys),
      cmocka_unit_test(the_default_clock_goes_forward),
      cmocka_unit_test(the_default_calendar_is_the_systems),
      cmocka_unit_test(the_default_randomness_spreads),
      cmocka_unit_test(the_default_waiting_sees_a_descriptor),
      cmocka_unit_test(a_signal_ends_the_default_waiting)};
  return cmocka_run_group_tests_name("cbc_env", tests, NULL, NULL);
}
