/* What the bare programs share: an easy handle of libcurl that collects replies in a buffer which is
 * used again, with the headers of the module's requests. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/binding/cbl_version.h"

struct reply {
  char *bytes;
  size_t length, capacity;
};

static size_t collect(char *data, size_t size, size_t n, void *to) {
  struct reply *reply = to;
  n *= size;
  if (reply->length + n > reply->capacity) {
    reply->capacity = 2 * (reply->length + n);
    reply->bytes = realloc(reply->bytes, reply->capacity);
    if (!reply->bytes) return 0;
  }
  memcpy(reply->bytes + reply->length, data, n);
  reply->length += n;
  return n;
}

/* headers: those before Authorization, which is added. */
static CURL *prepare(struct curl_slist **headers, struct reply *reply) {
  CURL *curl = curl_easy_init();
  *headers = curl_slist_append(*headers, "Authorization: ApiKey SU-000-000-000:secret");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *headers);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "cloudblue-connect-lua/" CBL_VERSION);
  curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 60000L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
  return curl;
}

/* Whether a program with that COUNT works slice by slice: it writes nothing of its own then. */
static inline int in_slices(const char *count) {
  return strcmp(count, "-") == 0;
}

/* How many things a program does next, which has just done so many (0: none yet); 0 at the end. COUNT
 * is how many in all, or "-": as bench/slices.c says, slice by slice. */
static inline long next_slice(const char *count, long done) {
  char line[32];
  if (!in_slices(count)) return done == 0 ? atol(count) : 0;
  if (done > 0) puts("");
  fflush(stdout);
  return fgets(line, sizeof line, stdin) != NULL ? atol(line) : 0;
}
