/* parallel_curl CONCURRENCY ENDPOINT COUNT : closes COUNT records (with COUNT "-" as bench/slices.c
 * says) with libcurl alone, so many at once, as well as it can be done: curl_multi_socket_action with
 * epoll, easy handles and connections used again, each reply collected in a buffer that is used
 * again. It decodes nothing.
 *
 * The requests are those of parallel_module.lua but for the order of headers. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "../bare.h"

static const char BODY[] =
    "{\"external_billing_id\":\"BILL-77\",\"external_billing_note\":\"January run\"}";

struct run {
  CURLM *multi;
  const char *endpoint;
  long begun, count, done;
  int epoll;
  long timeout; /* milliseconds; -1: none */
};

struct slot {
  CURL *curl;
  struct reply reply;
};

static int on_socket(CURL *easy, curl_socket_t s, int what, void *ud, void *known) {
  struct run *run = ud;
  struct epoll_event e = {.data.fd = s};
  (void)easy;
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(run->epoll, EPOLL_CTL_DEL, s, NULL);
    return 0;
  }
  e.events = ((what & CURL_POLL_IN) ? EPOLLIN : 0) | ((what & CURL_POLL_OUT) ? EPOLLOUT : 0);
  epoll_ctl(run->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, s, &e);
  curl_multi_assign(run->multi, s, run);
  return 0;
}

static int on_timer(CURLM *multi, long timeout, void *ud) {
  struct run *run = ud;
  (void)multi;
  run->timeout = timeout;
  return 0;
}

static void begin(struct run *run, struct slot *slot) {
  char url[256];
  if (run->begun == run->count) return;
  snprintf(url, sizeof url, "%s/usage/records/UR-2026-01-0000-0001-%06ld/close", run->endpoint,
           ++run->begun);
  curl_easy_setopt(slot->curl, CURLOPT_URL, url);
  curl_easy_setopt(slot->curl, CURLOPT_POSTFIELDS, BODY);
  curl_easy_setopt(slot->curl, CURLOPT_POSTFIELDSIZE, (long)sizeof BODY - 1);
  slot->reply.length = 0;
  curl_multi_add_handle(run->multi, slot->curl);
}

static int collect_done(struct run *run) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(run->multi, &left))) {
    struct slot *slot;
    char *owner;
    long status = 0;
    CURL *curl = message->easy_handle;
    if (message->msg != CURLMSG_DONE || message->data.result != CURLE_OK) return 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_PRIVATE, &owner);
    slot = (struct slot *)(void *)owner;
    if (status != 200 || slot->reply.length == 0) return 0;
    curl_multi_remove_handle(run->multi, curl);
    run->done++;
    begin(run, slot);
  }
  return 1;
}

static int step(struct run *run) {
  struct epoll_event events[64];
  int running, n = 0;
  if (run->timeout != 0) n = epoll_wait(run->epoll, events, 64, (int)run->timeout);
  if (n == 0) {
    run->timeout = -1;
    curl_multi_socket_action(run->multi, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  for (int i = 0; i < n; i++) {
    unsigned e = events[i].events;
    curl_multi_socket_action(run->multi, events[i].data.fd,
                             ((e & (EPOLLIN | EPOLLHUP)) ? CURL_CSELECT_IN : 0) |
                                 ((e & EPOLLOUT) ? CURL_CSELECT_OUT : 0),
                             &running);
  }
  return collect_done(run);
}

int main(int argc, char **argv) {
  struct run run = {.timeout = -1};
  struct slot *slots;
  long concurrency, count = 0;
  if (argc != 4) return 2;
  concurrency = atol(argv[1]);
  run.endpoint = argv[2];
  curl_global_init(CURL_GLOBAL_DEFAULT);
  run.multi = curl_multi_init();
  run.epoll = epoll_create1(EPOLL_CLOEXEC);
  curl_multi_setopt(run.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(run.multi, CURLMOPT_SOCKETDATA, &run);
  curl_multi_setopt(run.multi, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(run.multi, CURLMOPT_TIMERDATA, &run);
  curl_multi_setopt(run.multi, CURLMOPT_MAXCONNECTS, concurrency);
  slots = calloc((size_t)concurrency, sizeof *slots);
  if (!slots) return 1;
  for (long i = 0; i < concurrency; i++) {
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    slots[i].curl = prepare(&headers, &slots[i].reply);
    curl_easy_setopt(slots[i].curl, CURLOPT_PRIVATE, (char *)&slots[i]);
  }
  while ((count = next_slice(argv[3], count)) > 0) {
    run.count += count;
    for (long i = 0; i < concurrency; i++)
      begin(&run, &slots[i]);
    while (run.done < run.count)
      if (!step(&run)) return 1;
  }
  return 0;
}
