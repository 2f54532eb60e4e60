/*
** cbc_request.c - what is to be sent.
*/
#include "cbc_request.h"

#include <string.h>

/* URLs beyond this are rare; their memory is not kept. */
#define URL_KEEP 4096

/* Nor is that of bodies beyond this: a batch of records has some ten thousand bytes. */
#define TEXT_KEEP ((size_t)64 * 1024)

void cbc_feed_init(cbc_feed *feed, const cbc_env *env) {
  *feed = (cbc_feed){.hungry = false};
  cbc_buffer_init(&feed->gathered, env);
}

void cbc_feed_free(cbc_feed *feed) {
  cbc_buffer_free(&feed->gathered);
  feed->borrowed_size = 0;
  feed->ended = false; /* what is missing now is not to pass for the end */
  feed->freed = true;
}

size_t cbc_feed_size(const cbc_feed *feed) {
  return feed->gathered.size + feed->borrowed_size;
}

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

size_t cbc_feed_take(cbc_feed *feed, void *to, size_t room) {
  size_t n = least(feed->gathered.size, room);
  if (n > 0) {
    memcpy(to, feed->gathered.data, n);
    cbc_buffer_drop(&feed->gathered, n);
  } else if ((n = least(feed->borrowed_size, room)) > 0) {
    memcpy(to, feed->borrowed, n);
    feed->borrowed += n;
    feed->borrowed_size -= n;
  }
  return n;
}

void cbc_request_init(cbc_request *r, const cbc_env *env) {
  *r = (cbc_request){.method = "GET"};
  cbc_buffer_init(&r->url, env);
  cbc_buffer_init(&r->text, env);
}

void cbc_request_reset(cbc_request *r) {
  cbc_buffer url = r->url, text = r->text;
  cbc_buffer_reset(&url, URL_KEEP);
  cbc_buffer_reset(&text, TEXT_KEEP);
  *r = (cbc_request){.method = "GET", .url = url, .text = text};
}

void cbc_request_free(cbc_request *r) {
  cbc_buffer_free(&r->url);
  cbc_buffer_free(&r->text);
}
