/*
** cbc_waiters_test.c - who waits parked, who can go on, and when.
*/
#include "testenv.h"

#include "cbc_waiters.h"

enum { MANY = 200, STEPS = 20000 };

typedef struct scene {
  testenv t;
  cbc_waiters ws;
  cbc_waiter w[MANY];
} scene;

static void begin(scene *s) {
  *s = (scene){.w = {{0}}};
  testenv_init(&s->t);
  cbc_waiters_init(&s->ws, &s->t.env, 2);
}

static void end(scene *s) {
  cbc_waiters_unpark_all(&s->ws);
  assert_int_equal(s->ws.count, 0);
  cbc_waiters_free(&s->ws);
  testenv_check(&s->t);
}

/* ==== One ============================================================== */

static void one_that_is_woken_can_go_on_once(void **state) {
  scene s;
  (void)state;
  begin(&s);
  assert_true(cbc_waiters_park(&s.ws, &s.w[0], CBC_NEVER, false));
  assert_null(cbc_waiters_next(&s.ws, false));
  cbc_waiters_wake(&s.ws, &s.w[0]);
  cbc_waiters_wake(&s.ws, &s.w[0]);
  assert_true(cbc_waiters_ready(&s.ws, false));
  assert_ptr_equal(cbc_waiters_next(&s.ws, false), &s.w[0]);
  assert_null(cbc_waiters_next(&s.ws, false));
  cbc_waiters_wake(&s.ws, &s.w[0]);
  assert_ptr_equal(cbc_waiters_next(&s.ws, false), &s.w[0]);
  end(&s);
}

static void one_that_is_not_parked_is_not_woken(void **state) {
  scene s;
  (void)state;
  begin(&s);
  cbc_waiters_wake(&s.ws, &s.w[0]);
  assert_null(cbc_waiters_next(&s.ws, false));
  assert_true(cbc_waiters_park(&s.ws, &s.w[0], 1001, false));
  cbc_waiters_wake(&s.ws, &s.w[0]);
  cbc_waiters_unpark(&s.ws, &s.w[0]);
  cbc_waiters_unpark(&s.ws, &s.w[0]);
  assert_null(cbc_waiters_next(&s.ws, false));
  assert_true(cbc_waiters_due(&s.ws) < 0);
  end(&s);
}

static void tasks_and_others_are_kept_apart(void **state) {
  scene s;
  (void)state;
  begin(&s);
  assert_true(cbc_waiters_park(&s.ws, &s.w[0], CBC_NEVER, true));
  assert_true(cbc_waiters_park(&s.ws, &s.w[1], CBC_NEVER, false));
  cbc_waiters_wake(&s.ws, &s.w[0]);
  assert_false(cbc_waiters_ready(&s.ws, false));
  assert_true(cbc_waiters_ready(&s.ws, true));
  cbc_waiters_wake(&s.ws, &s.w[1]);
  assert_ptr_equal(cbc_waiters_next(&s.ws, false), &s.w[1]);
  assert_ptr_equal(cbc_waiters_next(&s.ws, true), &s.w[0]);
  end(&s);
}

static void out_of_memory_parks_nobody(void **state) {
  scene s;
  (void)state;
  begin(&s);
  testenv_fail(&s.t, 1, true);
  assert_false(cbc_waiters_park(&s.ws, &s.w[0], 1001, false));
  assert_int_equal(s.ws.count, 0);
  /* Without a time there is nothing to allocate. */
  assert_true(cbc_waiters_park(&s.ws, &s.w[0], CBC_NEVER, false));
  end(&s);
}

/* ==== Many ============================================================= */

static void they_go_on_in_the_order_in_which_they_were_woken(void **state) {
  scene s;
  (void)state;
  begin(&s);
  for (int i = 0; i < MANY; i++)
    assert_true(cbc_waiters_park(&s.ws, &s.w[i], CBC_NEVER, false));
  for (int i = 0; i < MANY; i++)
    cbc_waiters_wake(&s.ws, &s.w[(7 * i) % MANY]);
  for (int i = 0; i < MANY; i++)
    assert_ptr_equal(cbc_waiters_next(&s.ws, false), &s.w[(7 * i) % MANY]);
  end(&s);
}

/* The earliest time of those that still wait for one, found by looking at each. */
static double earliest(const double *at) {
  double least = CBC_NEVER;
  for (int i = 0; i < MANY; i++)
    if (at[i] >= 0 && (least < 0 || at[i] < least)) least = at[i];
  return least;
}

static void expire(scene *s, double *at, double now) {
  int due = 0;
  cbc_waiter *w;
  for (int i = 0; i < MANY; i++)
    due += at[i] >= 0 && at[i] <= now;
  cbc_waiters_expire(&s->ws, now);
  while ((w = cbc_waiters_next(&s->ws, false)) != NULL) {
    double *its = &at[w - s->w];
    assert_true(*its >= 0 && *its <= now);
    *its = CBC_NEVER;
    due--;
  }
  assert_int_equal(due, 0);
}

/* Random histories beside a list that is searched: the heap says the same. */
static void the_earliest_time_is_known_whatever_came_before(void **state) {
  scene s;
  double at[MANY];
  uint32_t dice = 20260101;
  double now = 0;
  (void)state;
  begin(&s);
  for (int i = 0; i < MANY; i++)
    at[i] = CBC_NEVER;
  for (int step = 0; step < STEPS; step++) {
    int i = (int)testenv_below(&dice, MANY);
    if (s.w[i].parked) {
      cbc_waiters_unpark(&s.ws, &s.w[i]);
      at[i] = CBC_NEVER;
    } else {
      at[i] = now + testenv_below(&dice, 50);
      assert_true(cbc_waiters_park(&s.ws, &s.w[i], at[i], false));
    }
    if (testenv_below(&dice, 10) == 0) expire(&s, at, now += 3);
    assert_true(testenv_same(cbc_waiters_due(&s.ws), earliest(at)));
  }
  end(&s);
}

/* ==== Turns ============================================================ */

static void only_so_many_are_admitted_and_the_others_in_their_order(void **state) {
  scene s;
  (void)state;
  begin(&s);
  assert_true(cbc_waiters_admit(&s.ws, &s.w[0], false));
  assert_true(cbc_waiters_admit(&s.ws, &s.w[1], false));
  assert_true(cbc_waiters_admit(&s.ws, &s.w[1], false));
  for (int i = 2; i < 5; i++) {
    assert_false(cbc_waiters_admit(&s.ws, &s.w[i], false));
    assert_true(cbc_waiters_park(&s.ws, &s.w[i], CBC_NEVER, false));
  }
  assert_null(cbc_waiters_next(&s.ws, false));
  cbc_waiters_release(&s.ws, &s.w[0]);
  assert_ptr_equal(cbc_waiters_next(&s.ws, false), &s.w[2]);
  /* Who comes now comes after those who wait. */
  assert_false(cbc_waiters_admit(&s.ws, &s.w[0], false));
  cbc_waiters_release(&s.ws, &s.w[3]);
  cbc_waiters_release(&s.ws, &s.w[1]);
  assert_ptr_equal(cbc_waiters_next(&s.ws, false), &s.w[4]);
  cbc_waiters_release(&s.ws, &s.w[2]);
  assert_true(s.w[0].admitted);
  cbc_waiters_release(&s.ws, &s.w[0]);
  cbc_waiters_release(&s.ws, &s.w[0]);
  cbc_waiters_release(&s.ws, &s.w[4]);
  assert_int_equal(s.ws.admitted, 0);
  end(&s);
}

static void who_is_admitted_by_force_counts(void **state) {
  scene s;
  (void)state;
  begin(&s);
  assert_true(cbc_waiters_admit(&s.ws, &s.w[0], false));
  assert_true(cbc_waiters_admit(&s.ws, &s.w[1], false));
  assert_false(cbc_waiters_admit(&s.ws, &s.w[2], false));
  assert_true(cbc_waiters_admit(&s.ws, &s.w[2], true));
  assert_false(cbc_waiters_admit(&s.ws, &s.w[3], false));
  cbc_waiters_release(&s.ws, &s.w[2]);
  assert_false(s.w[3].admitted);
  cbc_waiters_release(&s.ws, &s.w[0]);
  assert_true(s.w[3].admitted);
  cbc_waiters_release(&s.ws, &s.w[1]);
  cbc_waiters_release(&s.ws, &s.w[3]);
  end(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_that_is_woken_can_go_on_once),
      cmocka_unit_test(one_that_is_not_parked_is_not_woken),
      cmocka_unit_test(tasks_and_others_are_kept_apart),
      cmocka_unit_test(out_of_memory_parks_nobody),
      cmocka_unit_test(they_go_on_in_the_order_in_which_they_were_woken),
      cmocka_unit_test(only_so_many_are_admitted_and_the_others_in_their_order),
      cmocka_unit_test(who_is_admitted_by_force_counts),
      cmocka_unit_test(the_earliest_time_is_known_whatever_came_before),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
