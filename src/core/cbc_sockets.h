/*
** cbc_sockets.h - the sockets of a transport's connections, and what is known of
** each. libcurl hands a connection's socket to nobody before it writes a request
** to it; it says the connection's addresses (CURLOPT_PREREQFUNCTION). So the
** sockets are opened here (CURLOPT_OPENSOCKETFUNCTION), and found again by those.
*/
#ifndef CBC_SOCKETS_H
#define CBC_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cbc_env.h"

/* Room for an address of either family with its terminator (INET6_ADDRSTRLEN). */
#define CBC_ADDRESS_SIZE 46

/* One end of a connection. */
typedef struct cbc_address {
  const char *ip; /* as inet_ntop(3) writes it */
  int port;
} cbc_address;

/* What the other side speaks, as far as its replies show. */
typedef enum cbc_http { CBC_HTTP_UNKNOWN, CBC_HTTP_1, CBC_HTTP_2 } cbc_http;

/* An open socket. Who sends over it notes down what is behind the empty line. */
typedef struct cbc_socket {
  int fd;
  uint64_t number; /* its own: no other socket of the list had or will have it */
  struct {
    char ip[CBC_ADDRESS_SIZE];
    int port; /* 0 while it is not known */
  } local, remote;

  cbc_http speaks;
  bool asked;       /* a request was written to it */
  bool shared;      /* and another one, before anything was known of what it speaks */
  unsigned replies; /* that began on it */
  bool mute;        /* none did while a request waited until its time was over */
  unsigned heard;   /* replies until then */
} cbc_socket;

typedef struct cbc_sockets {
  const cbc_env *env;
  cbc_socket *list; /* those that are open; owned */
  size_t count;
  size_t capacity;
  uint64_t opened; /* so many in all */
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

/* The open TCP socket between those two; NULL where there is none. Valid until the
** next one is opened or closed. A local address alone may be that of several
** connections, to different places. */
cbc_socket *cbc_sockets_find(cbc_sockets *s, cbc_address local, cbc_address remote);

/* The open socket with that number, valid as above; NULL where it is closed. */
cbc_socket *cbc_sockets_get(cbc_sockets *s, uint64_t number);

/* True when nothing waits to be read from the socket: no byte, no end, no error. */
bool cbc_socket_quiet(int fd);

/* How many bytes were ever read from the TCP socket: what a TLS library has read
** and still holds is among them. One more once the other side has ended the
** connection (Linux counts the end). False where the system can't say. */
bool cbc_socket_read_bytes(int fd, uint64_t *bytes);

#endif
