/*
** slowresolver.c - loaded before the C library, it takes the place of the name
** look-up: one that takes long and finds nothing.
*/
#include <netdb.h>
#include <time.h>

#define SECONDS 4

__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **found) {
  struct timespec left = {SECONDS, 0};
  (void)node;
  (void)service;
  (void)hints;
  (void)found;
  nanosleep(&left, NULL);
  return EAI_AGAIN;
}
