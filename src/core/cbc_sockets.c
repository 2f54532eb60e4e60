/*
** cbc_sockets.c - sockets that are known by their addresses.
*/
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE /* struct tcp_connection_info */

#include "cbc_sockets.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
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

static_assert(CBC_ADDRESS_SIZE >= INET6_ADDRSTRLEN, "room for any address");

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
  if (fd >= 0) s->list[s->count++] = (cbc_socket){.fd = fd, .number = ++s->opened};
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

/* An address as the system has it. */
typedef union sock_address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  struct sockaddr_storage room;
} sock_address;

/* Writes it out. Returns its port; 0 where it is none of TCP's. */
static int write_address(const sock_address *a, char ip[CBC_ADDRESS_SIZE]) {
  bool v6 = a->any.sa_family == AF_INET6;
  const void *bytes = v6 ? (const void *)&a->v6.sin6_addr : (const void *)&a->v4.sin_addr;
  if (!v6 && a->any.sa_family != AF_INET) return 0;
  if (inet_ntop(a->any.sa_family, bytes, ip, CBC_ADDRESS_SIZE) == NULL) return 0;
  return ntohs(v6 ? a->v6.sin6_port : a->v4.sin_port);
}

/* Asks for both addresses once they are there: connect(2) chooses the local one. */
static void learn_addresses(cbc_socket *socket) {
  sock_address a;
  socklen_t size = sizeof a;
  if (getpeername(socket->fd, &a.any, &size) != 0) return;
  socket->remote.port = write_address(&a, socket->remote.ip);
  size = sizeof a;
  if (getsockname(socket->fd, &a.any, &size) != 0) return;
  socket->local.port = write_address(&a, socket->local.ip);
}

cbc_socket *cbc_sockets_find(cbc_sockets *s, cbc_address local, cbc_address remote) {
  for (size_t i = 0; i < s->count; i++) {
    cbc_socket *socket = &s->list[i];
    if (socket->local.port == 0) learn_addresses(socket);
    if (socket->local.port == local.port && socket->remote.port == remote.port && local.port != 0 &&
        strcmp(socket->local.ip, local.ip) == 0 && strcmp(socket->remote.ip, remote.ip) == 0)
      return socket;
  }
  return NULL;
}

cbc_socket *cbc_sockets_get(cbc_sockets *s, uint64_t number) {
  for (size_t i = 0; i < s->count; i++)
    if (s->list[i].number == number) return &s->list[i];
  return NULL;
}

/* ==== Looking at one ================================================== */

bool cbc_socket_quiet(int fd) {
  struct pollfd p = {.fd = fd, .events = POLLIN | POLLPRI};
  int ready;
  do
    ready = poll(&p, 1, 0);
  while (ready < 0 && errno == EINTR);
  return ready == 0;
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
