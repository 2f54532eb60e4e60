/*
** cbc_sockets_test.c - sockets that are found by their addresses, and what is in
** them.
*/
#include "testenv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cbc_sockets.h"

/* A pair of connected TCP sockets of this machine: ours among the sockets, and
** the other side's. */
typedef struct pair {
  testenv t;
  cbc_sockets sockets;
  int ours, other;
  int port, remote; /* of ours, and of the other side */
} pair;

static int listen_somewhere(struct sockaddr_in *address) {
  socklen_t size = sizeof *address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  *address = (struct sockaddr_in){.sin_family = AF_INET};
  address->sin_addr.s_addr = inet_addr("127.0.0.1");
  assert_int_equal(bind(listener, (struct sockaddr *)address, size), 0);
  assert_int_equal(listen(listener, 1), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)address, &size), 0);
  return listener;
}

static void open_pair(pair *p) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  int listener = listen_somewhere(&address);
  testenv_init(&p->t);
  cbc_sockets_init(&p->sockets, &p->t.env);
  p->ours = cbc_sockets_open(&p->sockets, AF_INET, SOCK_STREAM, 0);
  assert_true(p->ours >= 0);
  assert_int_equal(connect(p->ours, (struct sockaddr *)&address, size), 0);
  p->remote = ntohs(address.sin_port);
  p->other = accept(listener, (struct sockaddr *)&address, &size);
  assert_true(p->other >= 0);
  p->port = ntohs(address.sin_port);
  close(listener);
}

static void close_pair(pair *p) {
  assert_int_equal(cbc_sockets_close(&p->sockets, p->ours), 0);
  close(p->other);
  cbc_sockets_free(&p->sockets);
  testenv_check(&p->t);
}

static void a_socket_is_closed_in_programs_that_are_started(void **state) {
  pair p;
  (void)state;
  open_pair(&p);
  assert_int_equal(fcntl(p.ours, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  close_pair(&p);
}

/* The socket between those two; -1 where there is none. */
static int find(cbc_sockets *s, const char *ip, int port, const char *remote_ip, int remote_port) {
  cbc_socket *socket =
      cbc_sockets_find(s, (cbc_address){ip, port}, (cbc_address){remote_ip, remote_port});
  return socket != NULL ? socket->fd : -1;
}

static int find_local(pair *p, const char *ip, int port) {
  return find(&p->sockets, ip, port, "127.0.0.1", p->remote);
}

static void a_socket_is_found_by_its_addresses_until_it_is_closed(void **state) {
  pair p;
  int more[20];
  (void)state;
  open_pair(&p);
  for (int i = 0; i < 20; i++)
    assert_true((more[i] = cbc_sockets_open(&p.sockets, AF_INET6, SOCK_STREAM, 0)) >= 0);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(find_local(&p, "127.0.0.1", p.port), p.ours);
    assert_int_equal(find_local(&p, "127.0.0.2", p.port), -1);
    assert_int_equal(find_local(&p, "127.0.0.1", p.port ^ 1), -1);
    assert_int_equal(find(&p.sockets, "127.0.0.1", p.port, "127.0.0.2", p.remote), -1);
    assert_int_equal(find(&p.sockets, "127.0.0.1", p.port, "127.0.0.1", p.remote ^ 1), -1);
    assert_int_equal(find(&p.sockets, "", 0, "", 0), -1);
  }
  for (int i = 0; i < 20; i++)
    cbc_sockets_close(&p.sockets, more[i]);
  assert_int_equal(find_local(&p, "127.0.0.1", p.port), p.ours);
  cbc_sockets_close(&p.sockets, p.ours);
  assert_int_equal(find_local(&p, "127.0.0.1", p.port), -1);
  p.ours = cbc_sockets_open(&p.sockets, AF_INET, SOCK_STREAM, 0);
  close_pair(&p);
}

/* Opens a socket with that local port (0: any), which others may have as well. */
static int open_at(cbc_sockets *s, struct sockaddr_in *local) {
  socklen_t size = sizeof *local;
  int yes = 1, fd = cbc_sockets_open(s, AF_INET, SOCK_STREAM, 0);
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), 0);
  assert_int_equal(bind(fd, (struct sockaddr *)local, size), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)local, &size), 0);
  return fd;
}

/* The system uses one local port for several connections, as long as they lead to
** different places. */
static void connections_from_one_local_address_are_told_apart(void **state) {
  struct sockaddr_in remote[2], local = {.sin_family = AF_INET};
  int listeners[2], ours[2];
  testenv t;
  cbc_sockets sockets;
  (void)state;
  testenv_init(&t);
  cbc_sockets_init(&sockets, &t.env);
  local.sin_addr.s_addr = inet_addr("127.0.0.1");
  for (int i = 0; i < 2; i++) {
    listeners[i] = listen_somewhere(&remote[i]);
    ours[i] = open_at(&sockets, &local);
  }
  for (int i = 0; i < 2; i++)
    assert_int_equal(connect(ours[i], (struct sockaddr *)&remote[i], sizeof remote[i]), 0);
  for (int i = 0; i < 2; i++)
    assert_int_equal(
        find(&sockets, "127.0.0.1", ntohs(local.sin_port), "127.0.0.1", ntohs(remote[i].sin_port)),
        ours[i]);
  for (int i = 0; i < 2; i++) {
    cbc_sockets_close(&sockets, ours[i]);
    close(listeners[i]);
  }
  cbc_sockets_free(&sockets);
  testenv_check(&t);
}

/* The system gives the number of a closed socket to the next one; its own number
** stays away. */
static void a_socket_is_known_by_a_number_of_its_own(void **state) {
  pair p;
  uint64_t first;
  int fd, gap;
  (void)state;
  open_pair(&p);
  gap = dup(p.ours); /* the lowest descriptor that is free */
  first = cbc_sockets_find(&p.sockets, (cbc_address){"127.0.0.1", p.port},
                           (cbc_address){"127.0.0.1", p.remote})
              ->number;
  assert_int_not_equal(first, 0);
  assert_int_equal(cbc_sockets_get(&p.sockets, first)->fd, p.ours);
  assert_null(cbc_sockets_get(&p.sockets, 0));
  fd = p.ours;
  cbc_sockets_close(&p.sockets, p.ours);
  assert_null(cbc_sockets_get(&p.sockets, first));
  p.ours = cbc_sockets_open(&p.sockets, AF_INET, SOCK_STREAM, 0);
  assert_int_equal(p.ours, fd);
  assert_null(cbc_sockets_get(&p.sockets, first));
  close(gap);
  close_pair(&p);
}

/* Addresses of the two families are looked for by their own spelling. */
static void a_socket_of_the_new_family_is_found_too(void **state) {
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  struct sockaddr_in6 local;
  socklen_t size = sizeof address;
  int port, fd, listener = socket(AF_INET6, SOCK_STREAM, 0);
  testenv t;
  cbc_sockets sockets;
  (void)state;
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0) skip(); /* no IPv6 */
  assert_int_equal(listen(listener, 1), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
  testenv_init(&t);
  cbc_sockets_init(&sockets, &t.env);
  fd = cbc_sockets_open(&sockets, AF_INET6, SOCK_STREAM, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, size), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&local, &size), 0);
  port = ntohs(address.sin6_port);
  assert_int_equal(find(&sockets, "::1", ntohs(local.sin6_port), "::1", port), fd);
  assert_int_equal(find(&sockets, "127.0.0.1", ntohs(local.sin6_port), "::1", port), -1);
  cbc_sockets_close(&sockets, fd);
  cbc_sockets_free(&sockets);
  close(listener);
  testenv_check(&t);
}

static void a_socket_that_can_not_be_had_is_told(void **state) {
  testenv t;
  cbc_sockets sockets;
  (void)state;
  testenv_init(&t);
  cbc_sockets_init(&sockets, &t.env);
  testenv_fail(&t, 1, false);
  assert_int_equal(cbc_sockets_open(&sockets, AF_INET, SOCK_STREAM, 0), -1);
  assert_int_equal(errno, ENOMEM);
  assert_int_equal(cbc_sockets_open(&sockets, AF_INET, 12345, 0), -1);
  assert_int_not_equal(errno, ENOMEM);
  cbc_sockets_free(&sockets);
  testenv_check(&t);
}

static void a_socket_is_quiet_while_nothing_waits_in_it(void **state) {
  char byte;
  pair p;
  (void)state;
  open_pair(&p);
  assert_true(cbc_socket_quiet(p.ours));
  assert_int_equal(send(p.ours, "q", 1, 0), 1);
  assert_true(cbc_socket_quiet(p.ours));
  assert_int_equal(send(p.other, "a", 1, 0), 1);
  assert_false(cbc_socket_quiet(p.ours));
  assert_false(cbc_socket_quiet(p.ours)); /* looking takes nothing away */
  assert_int_equal(recv(p.ours, &byte, 1, 0), 1);
  assert_true(cbc_socket_quiet(p.ours));
  assert_int_equal(send(p.other, "!", 1, MSG_OOB), 1);
  assert_false(cbc_socket_quiet(p.ours));
  assert_int_equal(recv(p.ours, &byte, 1, MSG_OOB), 1);
  assert_true(cbc_socket_quiet(p.ours));
  shutdown(p.other, SHUT_WR);
  assert_false(cbc_socket_quiet(p.ours));
  close_pair(&p);
}

static uint64_t read_bytes(const pair *p) {
  uint64_t bytes = 12345;
  assert_true(cbc_socket_read_bytes(p->ours, &bytes));
  return bytes;
}

static void bytes_count_when_they_are_read(void **state) {
  char bytes[10];
  pair p;
  (void)state;
  open_pair(&p);
  assert_int_equal(read_bytes(&p), 0);
  assert_int_equal(send(p.other, "0123456789", 10, 0), 10);
  assert_int_equal(read_bytes(&p), 0);
  assert_int_equal(recv(p.ours, bytes, 3, MSG_PEEK), 3);
  assert_int_equal(read_bytes(&p), 0);
  assert_int_equal(recv(p.ours, bytes, 3, 0), 3);
  assert_int_equal(read_bytes(&p), 3);
  shutdown(p.other, SHUT_WR);
  assert_in_range(read_bytes(&p), 3, 4);
  assert_int_equal(recv(p.ours, bytes, 10, 0), 7);
  assert_in_range(read_bytes(&p), 10, 11);
  close_pair(&p);
}

static void what_is_no_TCP_socket_has_no_count(void **state) {
  uint64_t bytes;
  int ends[2];
  (void)state;
  assert_int_equal(pipe(ends), 0);
  assert_false(cbc_socket_read_bytes(ends[0], &bytes));
  close(ends[0]);
  close(ends[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_socket_is_closed_in_programs_that_are_started),
      cmocka_unit_test(a_socket_is_found_by_its_addresses_until_it_is_closed),
      cmocka_unit_test(connections_from_one_local_address_are_told_apart),
      cmocka_unit_test(a_socket_is_known_by_a_number_of_its_own),
      cmocka_unit_test(a_socket_of_the_new_family_is_found_too),
      cmocka_unit_test(a_socket_that_can_not_be_had_is_told),
      cmocka_unit_test(a_socket_is_quiet_while_nothing_waits_in_it),
      cmocka_unit_test(bytes_count_when_they_are_read),
      cmocka_unit_test(what_is_no_TCP_socket_has_no_count)};
  return cmocka_run_group_tests_name("cbc_sockets", tests, NULL, NULL);
}
