/*
** loopback.c - a scripted server on a free port.
*/
#define _GNU_SOURCE /* memmem */
#define _DARWIN_C_SOURCE

#include "loopback.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MOST 64
#define REQUESTS_MOST 64
#define REQUEST_SIZE 65536

typedef struct connection {
  int fd;
  size_t size;
  char bytes[REQUEST_SIZE];
} connection;

struct loopback {
  const loopback_step *steps;
  size_t step_count;
  char url[64];
  int listener;
  int wake[2]; /* a byte here ends the thread */
  pthread_t thread;
  pthread_mutex_t lock; /* of the two below */
  char *requests[REQUESTS_MOST];
  size_t request_count, connection_count;
  connection *open[CONNECTIONS_MOST];
  size_t open_count;
};

/* ==== One connection ================================================== */

/* The size of the first whole request among the bytes, or 0. A body has a
** Content-Length or is chunked. */
static size_t whole_request(const char *s, size_t n) {
  const char *end = memmem(s, n, "\r\n\r\n", 4);
  size_t head, body = 0;
  if (end == NULL) return 0;
  head = (size_t)(end - s) + 4;
  for (const char *line = s; line < end; line = strstr(line, "\r\n") + 2) {
    if (strncasecmp(line, "Content-Length:", 15) == 0) body = strtoul(line + 15, NULL, 10);
    if (strncasecmp(line, "Transfer-Encoding: chunked", 26) == 0) {
      const char *last = memmem(s + head, n - head, "0\r\n\r\n", 5);
      return last != NULL ? (size_t)(last - s) + 5 : 0;
    }
  }
  return n >= head + body ? head + body : 0;
}

static void drop(loopback *s, size_t i, bool reset) {
  struct linger now = {.l_onoff = 1, .l_linger = 0};
  connection *c = s->open[i];
  if (reset) setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(c->fd);
  free(c);
  s->open[i] = s->open[--s->open_count];
}

static void note_request(loopback *s, const char *bytes, size_t n) {
  char *copy = malloc(n + 1);
  if (copy == NULL) return;
  memcpy(copy, bytes, n);
  copy[n] = '\0';
  pthread_mutex_lock(&s->lock);
  if (s->request_count < REQUESTS_MOST)
    s->requests[s->request_count] = copy;
  else
    free(copy);
  s->request_count++;
  pthread_mutex_unlock(&s->lock);
}

static void send_all(int fd, const char *bytes) {
  size_t n = strlen(bytes);
  while (n > 0) {
    ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes += sent;
    n -= (size_t)sent;
  }
}

/* Reads what came. A whole request meets its step. */
static void serve(loopback *s, size_t i) {
  connection *c = s->open[i];
  const loopback_step *step;
  size_t size, number;
  ssize_t got = recv(c->fd, c->bytes + c->size, sizeof c->bytes - 1 - c->size, 0);
  if (got <= 0) {
    drop(s, i, false);
    return;
  }
  c->size += (size_t)got;
  c->bytes[c->size] = '\0';
  if ((size = whole_request(c->bytes, c->size)) == 0) return;
  number = s->request_count < s->step_count ? s->request_count : s->step_count - 1;
  step = &s->steps[number];
  note_request(s, c->bytes, size);
  memmove(c->bytes, c->bytes + size, c->size - size);
  c->size -= size;
  if (step->reply != NULL) send_all(c->fd, step->reply);
  if (step->end == LOOPBACK_CLOSE || step->end == LOOPBACK_RESET)
    drop(s, i, step->end == LOOPBACK_RESET);
}

static void take_connection(loopback *s) {
  int fd = accept(s->listener, NULL, NULL);
  connection *c;
  if (fd < 0) return;
  c = s->open_count < CONNECTIONS_MOST ? malloc(sizeof *c) : NULL;
  if (c == NULL) {
    close(fd);
    return;
  }
  c->fd = fd;
  c->size = 0;
  s->open[s->open_count++] = c;
  pthread_mutex_lock(&s->lock);
  s->connection_count++;
  pthread_mutex_unlock(&s->lock);
}

/* ==== The server ====================================================== */

static void *work(void *ud) {
  loopback *s = ud;
  for (;;) {
    struct pollfd fds[CONNECTIONS_MOST + 2] = {{.fd = s->wake[0], .events = POLLIN},
                                               {.fd = s->listener, .events = POLLIN}};
    size_t count = s->open_count;
    for (size_t i = 0; i < count; i++)
      fds[i + 2] = (struct pollfd){.fd = s->open[i]->fd, .events = POLLIN};
    if (poll(fds, (nfds_t)count + 2, -1) < 0) break;
    if (fds[0].revents != 0) break;
    /* Backwards: dropping one moves the last into its place. */
    for (size_t i = count; i-- > 0;)
      if (fds[i + 2].revents != 0) serve(s, i);
    if (fds[1].revents != 0) take_connection(s);
  }
  while (s->open_count > 0)
    drop(s, 0, false);
  return NULL;
}

static bool open_port(loopback *s) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  s->listener = socket(AF_INET, SOCK_STREAM, 0);
  if (s->listener < 0) return false;
  if (bind(s->listener, (struct sockaddr *)&address, size) != 0 || listen(s->listener, 16) != 0 ||
      getsockname(s->listener, (struct sockaddr *)&address, &size) != 0 || pipe(s->wake) != 0) {
    close(s->listener);
    return false;
  }
  snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
  return true;
}

loopback *loopback_start(const loopback_step *steps, size_t count) {
  loopback *s = calloc(1, sizeof *s);
  if (s != NULL && open_port(s)) {
    s->steps = steps;
    s->step_count = count;
    pthread_mutex_init(&s->lock, NULL);
    if (pthread_create(&s->thread, NULL, work, s) == 0) return s;
  }
  perror("loopback");
  exit(1);
}

const char *loopback_url(const loopback *s) {
  return s->url;
}

const char *loopback_request(loopback *s, size_t n) {
  const char *bytes;
  pthread_mutex_lock(&s->lock);
  bytes = n < s->request_count && n < REQUESTS_MOST ? s->requests[n] : NULL;
  pthread_mutex_unlock(&s->lock);
  return bytes;
}

static size_t read_count(loopback *s, const size_t *count) {
  size_t n;
  pthread_mutex_lock(&s->lock);
  n = *count;
  pthread_mutex_unlock(&s->lock);
  return n;
}

size_t loopback_requests(loopback *s) {
  return read_count(s, &s->request_count);
}

size_t loopback_connections(loopback *s) {
  return read_count(s, &s->connection_count);
}

void loopback_refuse(loopback *s) {
  /* Its thread still polls the descriptor, so it stays one. */
  shutdown(s->listener, SHUT_RDWR);
}

void loopback_stop(loopback *s) {
  if (s == NULL) return;
  if (write(s->wake[1], "", 1) == 1) pthread_join(s->thread, NULL);
  close(s->wake[0]);
  close(s->wake[1]);
  close(s->listener);
  for (size_t i = 0; i < s->request_count && i < REQUESTS_MOST; i++)
    free(s->requests[i]);
  pthread_mutex_destroy(&s->lock);
  free(s);
}
