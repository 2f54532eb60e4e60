/*
** cbc_multi_test.c - sockets and waiting of a multi handle.
*/
#include "testenv.h"

#include <errno.h>
#include <string.h>

#include "cbc_multi.h"

/* ==== Sockets ========================================================= */

enum { MANY = 100 };

static void announce_many(cbc_multi *m) {
  for (int fd = 0; fd < MANY; fd++)
    assert_int_equal(cbc_multi_watch(NULL, fd + 1000, CURL_POLL_IN, m, NULL), 0);
}

/* libcurl says how many sockets a transfer has by announcing them. */
static void as_many_sockets_are_waited_for_as_libcurl_announces(void **state) {
  testenv t;
  cbc_multi m;
  (void)state;
  testenv_init(&t);
  cbc_multi_init(&m, &t.env, 4);
  assert_int_equal(cbc_multi_open(&m), CBC_OK);
  announce_many(&m);
  assert_int_equal(m.count, MANY);
  cbc_multi_watch(NULL, 1007, CURL_POLL_INOUT, &m, NULL);
  assert_int_equal(m.count, MANY);
  assert_int_equal(m.fds[7].events, POLLIN | POLLOUT);
  for (int fd = 0; fd < MANY; fd++)
    cbc_multi_watch(NULL, fd + 1000, CURL_POLL_REMOVE, &m, NULL);
  assert_int_equal(m.count, 0);
  cbc_multi_free(&m);
  testenv_check(&t);
}

static void a_handle_that_libcurl_ran_out_of_memory_in_is_replaced(void **state) {
  testenv t;
  cbc_multi m;
  const CURLM *old;
  (void)state;
  testenv_init(&t);
  cbc_multi_init(&m, &t.env, 4);
  assert_int_equal(cbc_multi_open(&m), CBC_OK);
  old = m.handle;
  m.broken = true;
  m.timer = 5;
  assert_int_equal(cbc_multi_renew(&m), CBC_OK);
  assert_ptr_not_equal(m.handle, old);
  assert_false(m.broken);
  assert_true(m.timer < 0);
  cbc_multi_free(&m);
  testenv_check(&t);
}

/* ==== Waiting ========================================================= */

static void waiting_for_nothing_lasts_as_long_as_asked(void **state) {
  testenv t;
  cbc_error err;
  cbc_multi m;
  double before;
  (void)state;
  testenv_init(&t);
  cbc_multi_init(&m, &t.env, 4);
  assert_int_equal(cbc_multi_open(&m), CBC_OK);
  before = t.clock;
  assert_int_equal(cbc_multi_wait(&m, 0.02, &err), CBC_OK);
  assert_true(testenv_same(t.clock, before + 0.02));
  before = t.clock;
  assert_int_equal(cbc_multi_wait(&m, 1000, &err), CBC_OK);
  assert_true(testenv_same(t.clock, before + CBC_WAIT_MOST));
  before = t.clock;
  assert_int_equal(cbc_multi_wait(&m, -1, &err), CBC_OK);
  assert_true(testenv_same(t.clock, before));
  cbc_multi_free(&m);
  testenv_check(&t);
}

static int interrupted(void *ud, struct pollfd *fds, nfds_t count, int milliseconds) {
  (void)ud;
  (void)fds;
  (void)count;
  (void)milliseconds;
  errno = EINTR;
  return -1;
}

static int broken(void *ud, struct pollfd *fds, nfds_t count, int milliseconds) {
  (void)ud;
  (void)fds;
  (void)count;
  (void)milliseconds;
  errno = EBADF;
  return -1;
}

static void a_signal_while_waiting_is_told(void **state) {
  testenv t;
  cbc_error err;
  cbc_multi m;
  (void)state;
  testenv_init(&t);
  cbc_multi_init(&m, &t.env, 4);
  assert_int_equal(cbc_multi_open(&m), CBC_OK);
  t.env.wait = interrupted;
  assert_int_equal(cbc_multi_wait(&m, 1, &err), CBC_EINTR);
  t.env.wait = broken;
  assert_int_equal(cbc_multi_wait(&m, 1, &err), CBC_ETRANSPORT);
  assert_non_null(strstr(err.message, "poll failed"));
  cbc_multi_free(&m);
  testenv_check(&t);
}

/* ==== A host ========================================================== */

static void a_host_that_does_not_step_is_kept_waiting(void **state) {
  testenv t;
  cbc_error err;
  cbc_multi m;
  (void)state;
  testenv_init(&t);
  cbc_multi_init(&m, &t.env, 4);
  assert_int_equal(cbc_multi_open(&m), CBC_OK);
  assert_false(cbc_multi_overstays(&m));
  m.hosted = true;
  assert_true(cbc_multi_overstays(&m));
  assert_int_equal(cbc_multi_step(&m, &err), CBC_OK);
  assert_false(cbc_multi_overstays(&m));
  t.clock += 0.9 * CBC_STRETCH;
  assert_false(cbc_multi_overstays(&m));
  t.clock += 0.2 * CBC_STRETCH;
  assert_true(cbc_multi_overstays(&m));
  cbc_multi_free(&m);
  testenv_check(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(as_many_sockets_are_waited_for_as_libcurl_announces),
      cmocka_unit_test(a_handle_that_libcurl_ran_out_of_memory_in_is_replaced),
      cmocka_unit_test(waiting_for_nothing_lasts_as_long_as_asked),
      cmocka_unit_test(a_signal_while_waiting_is_told),
      cmocka_unit_test(a_host_that_does_not_step_is_kept_waiting)};
  return cmocka_run_group_tests_name("cbc_multi", tests, NULL, NULL);
}
