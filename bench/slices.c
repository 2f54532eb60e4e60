/* slices ROUNDS COUNT COMMAND... : has programs work in turn, a short slice each, so that a machine
 * that is fast and slow by turns is so for all of them. Writes a line for each program: the median
 * of its processor time for one thing (microseconds), the median of its ratios to the first program,
 * slice by slice, and both for the time that passes. What they take to start is left out.
 *
 * A command is run by sh. It reads numbers, a line each, does so many things, and writes a line. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CPU, TIME, MEASURES };

struct program {
  pid_t pid;
  clockid_t clocks[MEASURES]; /* clock_getcpuclockid(3), and that of the system */
  FILE *to, *from;
  double *cost[MEASURES]; /* microseconds for one thing, slice by slice */
};

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void start(struct program *p, const char *command, size_t rounds) {
  int to[2], from[2];
  if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) fail("pipe");
  if ((p->pid = fork()) < 0) fail("fork");
  if (p->pid == 0) {
    char *line;
    if (asprintf(&line, "exec %s", command) < 0) _exit(127);
    dup2(to[0], STDIN_FILENO);
    dup2(from[1], STDOUT_FILENO);
    execl("/bin/sh", "sh", "-c", line, (char *)NULL);
    _exit(127);
  }
  close(to[0]);
  close(from[1]);
  p->to = fdopen(to[1], "w");
  p->from = fdopen(from[0], "r");
  for (int m = 0; m < MEASURES; m++)
    if (!(p->cost[m] = calloc(rounds, sizeof *p->cost[m]))) fail("memory");
  if (!p->to || !p->from) fail("memory");
  p->clocks[TIME] = CLOCK_MONOTONIC;
  if (clock_getcpuclockid(p->pid, &p->clocks[CPU]) != 0) fail("clock_getcpuclockid");
}

static double microseconds(clockid_t clock) {
  struct timespec t;
  if (clock_gettime(clock, &t) != 0) fail("clock_gettime");
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* One slice of so many things. */
static void slice(struct program *p, long count, size_t round) {
  double before[MEASURES];
  int c;
  for (int m = 0; m < MEASURES; m++)
    before[m] = microseconds(p->clocks[m]);
  fprintf(p->to, "%ld\n", count);
  fflush(p->to);
  while ((c = getc(p->from)) != '\n')
    if (c == EOF) fail("a program ended");
  for (int m = 0; m < MEASURES; m++)
    p->cost[m][round] = (microseconds(p->clocks[m]) - before[m]) / (double)count;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* Sorts them. */
static double median(double *list, size_t n) {
  qsort(list, n, sizeof *list, compare);
  return n % 2 ? list[n / 2] : (list[n / 2 - 1] + list[n / 2]) / 2;
}

/* Writes the two medians of a measure. ratios: room for as many as there are rounds. */
static void report(const struct program *p, const struct program *first, int m, size_t rounds,
                   double *ratios) {
  double *costs = malloc(rounds * sizeof *costs);
  if (!costs) fail("memory");
  for (size_t round = 0; round < rounds; round++) {
    costs[round] = p->cost[m][round];
    ratios[round] = costs[round] / first->cost[m][round];
  }
  printf("%.3f %.4f%c", median(costs, rounds), median(ratios, rounds),
         m + 1 < MEASURES ? ' ' : '\n');
  free(costs);
}

int main(int argc, char **argv) {
  size_t rounds = argc > 3 ? strtoul(argv[1], NULL, 10) : 0, n = argc > 3 ? (size_t)argc - 3 : 0;
  long count = argc > 3 ? atol(argv[2]) : 0;
  struct program *programs = calloc(n, sizeof *programs);
  double *ratios = calloc(rounds, sizeof *ratios);
  if (!rounds || count <= 0 || !programs || !ratios) return 2;
  for (size_t i = 0; i < n; i++)
    start(&programs[i], argv[i + 3], rounds);
  /* Connects, and warms up. */
  for (size_t i = 0; i < n; i++)
    slice(&programs[i], count, 0);
  /* Each order in turn: who follows the other is the same for both. */
  for (size_t round = 0; round < rounds; round++)
    for (size_t k = 0; k < n; k++)
      slice(&programs[round % 2 ? n - 1 - k : k], count, round);
  for (size_t i = 0; i < n; i++) {
    fclose(programs[i].to);
    waitpid(programs[i].pid, NULL, 0);
    for (int m = 0; m < MEASURES; m++)
      report(&programs[i], &programs[0], m, rounds, ratios);
  }
  return 0;
}
