/*
** query_fuzz.c - ready queries, held against libcurl's reading: what passes and
** is encoded is a query to it, all of it, and means what it was.
*/
#include <curl/curl.h>

#include "cbc_url.h"
#include "fuzz.h"

/* libcurl takes the query for all that it is. */
static void check_reading(const char *query, size_t size) {
  CURLU *url = curl_url();
  char *whole = malloc(size + 16), *read = NULL, *other = NULL;
  if (whole == NULL) abort();
  snprintf(whole, size + 16, "https://h/p?%s", query);
  MUST(curl_url_set(url, CURLUPART_URL, whole, 0) == CURLUE_OK);
  if (size > 0) {
    MUST(curl_url_get(url, CURLUPART_QUERY, &read, 0) == CURLUE_OK);
    MUST(strcmp(read, query) == 0);
  }
  MUST(curl_url_get(url, CURLUPART_FRAGMENT, &other, 0) == CURLUE_NO_FRAGMENT);
  curl_free(read);
  free(whole);
  curl_url_cleanup(url);
}

/* Once it is decoded, the query is the same as before it was encoded. */
static void check_meaning(const char *text, size_t size, const char *query, size_t encoded) {
  int n = 0, m = 0;
  char *one = curl_easy_unescape(NULL, text, (int)size, &n);
  char *other = curl_easy_unescape(NULL, query, (int)encoded, &m);
  MUST(one != NULL && other != NULL && n == m && memcmp(one, other, (size_t)n) == 0);
  curl_free(one);
  curl_free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  cbc_error err;
  char *text = copy_text(data, size);
  if (cbc_url_check_query(text, size, &err) == CBC_OK) {
    char *query = malloc(3 * size + 1), *again = malloc(9 * size + 1);
    size_t n;
    if (query == NULL || again == NULL) abort();
    n = cbc_url_encode_query(text, size, query);
    query[n] = '\0';
    MUST(strlen(text) == size && strlen(query) == n && n <= CBC_PATH_MAX);
    check_reading(query, n);
    check_meaning(text, size, query, n);
    /* Encoding again changes nothing. */
    MUST(cbc_url_check_query(query, n, &err) == CBC_OK);
    MUST(cbc_url_encode_query(query, n, again) == n && memcmp(query, again, n) == 0);
    free(query);
    free(again);
  } else {
    MUST(err.code == CBC_EARG && err.message[0] != '\0');
  }
  free(text);
  return 0;
}
