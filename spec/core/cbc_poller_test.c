/*
** cbc_poller_test.c - one descriptor for many, and for a time.
*/
#include "testenv.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cbc_poller.h"

typedef struct scene {
  testenv t;
  cbc_poller p;
  cbc_error err;
  int ours, theirs; /* the two ends of a connection */
} scene;

static void begin(scene *s) {
  int ends[2];
  *s = (scene){.ours = -1};
  testenv_init(&s->t);
  s->t.clock = -1;
  cbc_poller_init(&s->p, &s->t.env);
  assert_int_equal(cbc_poller_open(&s->p, &s->err), CBC_OK);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  s->ours = ends[0];
  s->theirs = ends[1];
}

static void end(scene *s) {
  close(s->ours);
  close(s->theirs);
  cbc_poller_close(&s->p);
  testenv_check(&s->t);
}

/* What a host sees that waits for the descriptor. */
static bool readable(const scene *s, int milliseconds) {
  struct pollfd fd = {.fd = s->p.fd, .events = POLLIN};
  return poll(&fd, 1, milliseconds) == 1;
}

static int read_one(scene *s, cbc_event *e) {
  return cbc_poller_read(&s->p, e, 1);
}

static double now(const scene *s) {
  return s->t.env.now(s->t.env.ud);
}

/* ==== Descriptors ====================================================== */

static void both_descriptors_are_closed_on_exec(void **state) {
  scene s;
  (void)state;
  begin(&s);
  assert_true(fcntl(s.p.fd, F_GETFD) & FD_CLOEXEC);
  assert_true(s.p.timer < 0 || (fcntl(s.p.timer, F_GETFD) & FD_CLOEXEC));
  end(&s);
}

static void what_is_wanted_is_reported(void **state) {
  scene s;
  cbc_event e;
  (void)state;
  begin(&s);
  assert_true(cbc_poller_watch(&s.p, s.ours, CBC_POLL_IN));
  assert_false(readable(&s, 0));
  assert_int_equal(write(s.theirs, "x", 1), 1);
  assert_true(readable(&s, 1000));
  assert_int_equal(read_one(&s, &e), 1);
  assert_int_equal(e.fd, s.ours);
  assert_int_equal(e.events, CBC_POLL_IN);
  assert_true(cbc_poller_watch(&s.p, s.ours, CBC_POLL_IN | CBC_POLL_OUT));
  assert_int_equal(read_one(&s, &e), 1);
  assert_int_equal(e.events, CBC_POLL_IN | CBC_POLL_OUT);
  end(&s);
}

static void what_is_no_longer_wanted_is_not_reported(void **state) {
  scene s;
  cbc_event e;
  (void)state;
  begin(&s);
  assert_true(cbc_poller_watch(&s.p, s.ours, CBC_POLL_IN));
  assert_true(cbc_poller_watch(&s.p, s.ours, 0));
  assert_int_equal(write(s.theirs, "x", 1), 1);
  assert_false(readable(&s, 0));
  assert_int_equal(read_one(&s, &e), 0);
  end(&s);
}

/* A connection between two requests. What comes then wakes nobody twice. */
static void a_kept_one_stays_registered_until_something_comes_unasked(void **state) {
  scene s;
  cbc_event e;
  (void)state;
  begin(&s);
  cbc_poller_keep(&s.p, s.ours);
  assert_true(cbc_poller_watch(&s.p, s.ours, CBC_POLL_IN));
  assert_true(cbc_poller_watch(&s.p, s.ours, 0));
  assert_int_equal(s.p.list[s.ours].registered, CBC_POLL_IN);
  assert_int_equal(write(s.theirs, "x", 1), 1);
  assert_true(readable(&s, 1000));
  assert_int_equal(read_one(&s, &e), 0);
  assert_false(readable(&s, 0));
  assert_true(cbc_poller_watch(&s.p, s.ours, CBC_POLL_IN));
  assert_int_equal(read_one(&s, &e), 1);
  end(&s);
}

static void a_number_used_again_begins_anew(void **state) {
  scene s;
  cbc_event e;
  int other;
  (void)state;
  begin(&s);
  cbc_poller_keep(&s.p, s.ours);
  assert_true(cbc_poller_watch(&s.p, s.ours, CBC_POLL_IN));
  /* As in a process forked off: the socket lives on behind another number. */
  other = dup(s.ours);
  cbc_poller_forget(&s.p, s.ours);
  assert_int_equal(write(s.theirs, "x", 1), 1);
  assert_false(readable(&s, 0));
  assert_true(cbc_poller_watch(&s.p, s.ours, CBC_POLL_IN));
  assert_int_equal(read_one(&s, &e), 1);
  assert_int_equal(e.fd, s.ours);
  close(other);
  end(&s);
}

static void a_descriptor_that_is_none_is_refused(void **state) {
  scene s;
  (void)state;
  begin(&s);
  close(s.ours);
  assert_false(cbc_poller_watch(&s.p, s.ours, CBC_POLL_IN));
  end(&s);
}

static void out_of_memory_nothing_is_watched(void **state) {
  scene s;
  (void)state;
  begin(&s);
  testenv_fail(&s.t, 1, true);
  assert_false(cbc_poller_watch(&s.p, s.ours, CBC_POLL_IN));
  testenv_fail(&s.t, 0, false);
  assert_true(cbc_poller_watch(&s.p, s.ours, CBC_POLL_IN));
  end(&s);
}

/* ==== The timer ======================================================== */

static void it_becomes_readable_when_the_time_comes(void **state) {
  scene s;
  cbc_event e;
  double before;
  (void)state;
  begin(&s);
  before = now(&s);
  cbc_poller_arm(&s.p, before + 0.03);
  assert_false(readable(&s, 0));
  assert_true(readable(&s, 5000));
  assert_true(now(&s) >= before + 0.03);
  assert_int_equal(read_one(&s, &e), 0);
  /* Nothing more is due. */
  cbc_poller_arm(&s.p, -1);
  assert_false(readable(&s, 0));
  end(&s);
}

static void a_time_that_is_past_makes_it_readable_at_once(void **state) {
  scene s;
  (void)state;
  begin(&s);
  cbc_poller_arm(&s.p, 0);
  assert_true(readable(&s, 1000));
  end(&s);
}

static void an_earlier_time_replaces_a_later_one_only(void **state) {
  scene s;
  (void)state;
  begin(&s);
  cbc_poller_arm(&s.p, now(&s) + 1000);
  cbc_poller_arm(&s.p, now(&s) + 2000);
  assert_false(readable(&s, 20));
  cbc_poller_arm(&s.p, 0);
  assert_true(readable(&s, 1000));
  end(&s);
}

static void a_timer_turned_off_wakes_nobody(void **state) {
  scene s;
  (void)state;
  begin(&s);
  cbc_poller_arm(&s.p, 0);
  assert_true(readable(&s, 1000));
  cbc_poller_disarm(&s.p);
  assert_false(readable(&s, 0));
  cbc_poller_arm(&s.p, 0);
  assert_true(readable(&s, 1000));
  end(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_descriptors_are_closed_on_exec),
      cmocka_unit_test(what_is_wanted_is_reported),
      cmocka_unit_test(what_is_no_longer_wanted_is_not_reported),
      cmocka_unit_test(a_kept_one_stays_registered_until_something_comes_unasked),
      cmocka_unit_test(a_number_used_again_begins_anew),
      cmocka_unit_test(a_descriptor_that_is_none_is_refused),
      cmocka_unit_test(out_of_memory_nothing_is_watched),
      cmocka_unit_test(it_becomes_readable_when_the_time_comes),
      cmocka_unit_test(a_time_that_is_past_makes_it_readable_at_once),
      cmocka_unit_test(an_earlier_time_replaces_a_later_one_only),
      cmocka_unit_test(a_timer_turned_off_wakes_nobody),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
