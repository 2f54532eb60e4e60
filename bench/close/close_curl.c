/* close_curl ENDPOINT COUNT : closes COUNT records with libcurl alone, as plainly as it can be
 * done: one easy handle, one connection, the reply collected in a buffer that is used again. It
 * decodes nothing. This is the limit that a module on libcurl can come near.
 *
 * The requests are those of close_module.lua byte for byte (compare.lua checks that), so that
 * nothing is measured but what a module adds. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/binding/cbl_version.h"

static const char BODY[] =
    "{\"external_billing_id\":\"BILL-77\",\"external_billing_note\":\"January run\"}";

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

static CURL *prepare(struct curl_slist **headers, struct reply *reply) {
  CURL *curl = curl_easy_init();
  *headers = curl_slist_append(*headers, "Content-Type: application/json");
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

static int close_record(CURL *curl, const char *endpoint, long number, struct reply *reply) {
  char url[256];
  long status = 0;
  snprintf(url, sizeof url, "%s/usage/records/UR-2026-01-0000-0001-%06ld/close", endpoint, number);
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, BODY);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)sizeof BODY - 1);
  reply->length = 0;
  if (curl_easy_perform(curl) != CURLE_OK) return 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return status == 200 && reply->length > 0;
}

int main(int argc, char **argv) {
  struct reply reply = {0};
  struct curl_slist *headers = NULL;
  CURL *curl;
  if (argc != 3) return 2;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  curl = prepare(&headers, &reply);
  for (long i = 1, count = atol(argv[2]); i <= count; i++)
    if (!close_record(curl, argv[1], i, &reply)) return 1;
  curl_easy_cleanup(curl);
  curl_slist_free_all(headers);
  curl_global_cleanup();
  free(reply.bytes);
  return 0;
}
