/* close_curl ENDPOINT COUNT : closes COUNT records (with COUNT "-" as bench/slices.c says) with
 * libcurl alone, as plainly as it can be done: one easy handle, one connection, the reply collected
 * in a buffer that is used again. It decodes nothing. This is the limit that a module on libcurl can
 * come near.
 *
 * The requests are those of close_module.lua but for the order of headers (compare.lua checks
 * that), so that nothing is measured but what a module adds. */
#include <stdio.h>
#include <stdlib.h>

#include "../bare.h"

static const char BODY[] =
    "{\"external_billing_id\":\"BILL-77\",\"external_billing_note\":\"January run\"}";

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
  struct curl_slist *headers;
  CURL *curl;
  long number = 0, count = 0;
  if (argc != 3) return 2;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  headers = curl_slist_append(NULL, "Content-Type: application/json");
  curl = prepare(&headers, &reply);
  while ((count = next_slice(argv[2], count)) > 0)
    for (long i = 0; i < count; i++)
      if (!close_record(curl, argv[1], ++number, &reply)) return 1;
  curl_easy_cleanup(curl);
  curl_slist_free_all(headers);
  curl_global_cleanup();
  free(reply.bytes);
  return 0;
}
