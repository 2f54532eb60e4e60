/*
** cbc_sockets.c - sockets that are known by their local address.
*/
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE /* struct tcp_connection_info */

#include "cbc_sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__linux__)
/* Not <netinet/tcp.h>, whose struct tcp_info is that of older kernels. */
#include <linux/tcp.h>
#elif defined(__APPLE__)
#include <netinet/tcp.h>
#endif

struct cbc_socket {
  int fd;
  int port; /* local; 0 while the address is not known */
  char ip[INET6_ADDRSTRLEN];
};

#define INITIAL_CAPACITY 4

/* ==== Opening and closing ============================================= */

void cbc_sockets_init(cbc_sockets *s, const cbc_env *env) {
  *s = (cbc_sockets){.env = env};
}

void cbc_sockets_free(cbc_sockets *s) {
  cbc_free(s->env, s->list, s->capacity * sizeof *s->list);
  cbc_sockets_init(s, s->env);
}

static bool reserve(cbc_sockets *s) {
  size_t capacity = s->capacity != 0 ? 2 * s->capacity : INITIAL_CAPACITY;
  cbc_socket *grown;
  if (s->count < s->capacity) return true;
  grown = cbc_realloc(s->env, s->list, s->capacity * sizeof *grown, capacity * sizeof *grown);
  if (grown == NULL) return false;
  s->list = grown;
  s->capacity = capacity;
  return true;
}

static int open_socket(int family, int type, int protocol) {
#ifdef SOCK_CLOEXEC
  return socket(family, type | SOCK_CLOEXEC, protocol);
#else
  /* A program started between the two calls inherits it: there is no better. */
  int fd = socket(family, type, protocol);
  if (fd >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
  return fd;
#endif
}

int cbc_sockets_open(cbc_sockets *s, int family, int type, int protocol) {
  int fd;
  if (!reserve(s)) {
    errno = ENOMEM;
    return -1;
  }
  fd = open_socket(family, type, protocol);
  if (fd >= 0) s->list[s->count++] = (cbc_socket){.fd = fd};
  return fd;
}

int cbc_sockets_close(cbc_sockets *s, int fd) {
  for (size_t i = 0; i < s->count; i++) {
    if (s->list[i].fd != fd) continue;
    s->list[i] = s->list[--s->count];
    break;
  }
  return close(fd);
}

/* ==== Finding ========================================================= */

/* Asks for the local address once it is there: connect(2) chooses it. */
static void learn_address(cbc_socket *socket) {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage room;
  } a;
  socklen_t size = sizeof a;
  const void *address = &a.v4.sin_addr;
  if (getsockname(socket->fd, &a.any, &size) != 0) return;
  if (a.any.sa_family == AF_INET6)
    address = &a.v6.sin6_addr;
  else if (a.any.sa_family != AF_INET)
    return;
  if (inet_ntop(a.any.sa_family, address, socket->ip, sizeof socket->ip) == NULL) return;
  socket->port = ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

int cbc_sockets_find(cbc_sockets *s, const char *ip, int port) {
  for (size_t i = 0; i < s->count; i++) {
    cbc_socket *socket = &s->list[i];
    if (socket->port == 0) learn_address(socket);
    if (socket->port == port && port != 0 && strcmp(socket->ip, ip) == 0) return socket->fd;
  }
  return -1;
}

/* ==== Looking at one ================================================== */

bool cbc_socket_quiet(int fd) {
  char byte;
  return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
         (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* Bytes that came in order, whether read or waiting. */
static bool received_bytes(int fd, uint64_t *bytes) {
#if defined(__linux__)
  struct tcp_info info;
  socklen_t size = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  *bytes = info.tcpi_bytes_received;
  /* Kernels before 4.1 fill less of it. */
  return size >= offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received;
#elif defined(__APPLE__)
  struct tcp_connection_info info;
  socklen_t size = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_CONNECTION_INFO, &info, &size) != 0) return false;
  *bytes = info.tcpi_rxbytes;
  return true;
#else
  (void)fd;
  (void)bytes;
  return false;
#endif
}

bool cbc_socket_read_bytes(int fd, uint64_t *bytes) {
  uint64_t before, after;
  int waiting = 0;
  if (!received_bytes(fd, &before)) return false;
  /* Both at one moment: asked again when something came between. */
  for (;;) {
    if (ioctl(fd, FIONREAD, &waiting) != 0 || !received_bytes(fd, &after)) return false;
    if (before == after) break;
    before = after;
  }
  *bytes = after - (uint64_t)waiting;
  return true;
}
