/*
** cbc_sockets.h - the sockets of a transport's connections. libcurl hands a
** connection's socket to nobody before it writes a request to it; it says the
** connection's local address (CURLOPT_PREREQFUNCTION). So the sockets are opened
** here (CURLOPT_OPENSOCKETFUNCTION), and found again by that address.
*/
#ifndef CBC_SOCKETS_H
#define CBC_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cbc_env.h"

typedef struct cbc_socket cbc_socket;

typedef struct cbc_sockets {
  const cbc_env *env;
  cbc_socket *list; /* those that are open; owned */
  size_t count;
  size_t capacity;
} cbc_sockets;

/* No sockets. Allocates nothing. env must outlive it. */
void cbc_sockets_init(cbc_sockets *s, const cbc_env *env);

/* Frees the memory. Sockets that are still open stay so. */
void cbc_sockets_free(cbc_sockets *s);

/* Opens a socket (socket(2)) that no program started by this one inherits.
** Returns it; -1 with errno, which is ENOMEM when out of memory. The caller owns
** it and ends it with cbc_sockets_close. */
int cbc_sockets_open(cbc_sockets *s, int family, int type, int protocol);

/* Closes it. Returns what close(2) does. */
int cbc_sockets_close(cbc_sockets *s, int fd);

/* The open socket with that local address, as inet_ntop(3) writes it, and port;
** -1 where there is none. */
int cbc_sockets_find(cbc_sockets *s, const char *ip, int port);

/* True when nothing waits to be read from the socket: no byte, no end, no error. */
bool cbc_socket_quiet(int fd);

/* How many bytes were ever read from the TCP socket: what a TLS library has read
** and still holds is among them. One more once the other side has ended the
** connection (Linux counts the end). False where the system can't say. */
bool cbc_socket_read_bytes(int fd, uint64_t *bytes);

#endif
