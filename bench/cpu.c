/* cpu PROGRAM ARGUMENT... : runs a program and writes, as the last line on standard output,
 * its processor time (user and system, in microseconds), its largest resident size (KiB) and
 * the time that it took (microseconds). Exits as the program did. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long microseconds(struct timeval t) {
  return t.tv_sec * 1000000L + t.tv_usec;
}

static long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

int main(int argc, char **argv) {
  struct rusage used;
  long before = now();
  int status;
  pid_t child;
  if (argc < 2 || (child = fork()) < 0) return 2;
  if (child == 0) {
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    _exit(127);
  }
  if (wait4(child, &status, 0, &used) < 0) return 2;
  printf("%ld %ld %ld %ld\n", microseconds(used.ru_utime), microseconds(used.ru_stime),
         used.ru_maxrss, now() - before);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
