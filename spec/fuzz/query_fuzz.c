/*
** query_fuzz.c - cbc_url_check_query, held against libcurl's reading: what
** passes is a query to it, all of it.
*/
#include <curl/curl.h>

#include "cbc_url.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  cbc_error err;
  char *text = copy_text(data, size);
  if (cbc_url_check_query(text, size, &err) == CBC_OK) {
    CURLU *url = curl_url();
    char *whole = malloc(size + 16), *query = NULL, *other = NULL;
    if (whole == NULL) abort();
    MUST(strlen(text) == size);
    snprintf(whole, size + 16, "https://h/p?%s", text);
    MUST(curl_url_set(url, CURLUPART_URL, whole, 0) == CURLUE_OK);
    if (size > 0) {
      MUST(curl_url_get(url, CURLUPART_QUERY, &query, 0) == CURLUE_OK);
      MUST(strcmp(query, text) == 0);
    }
    MUST(curl_url_get(url, CURLUPART_FRAGMENT, &other, 0) == CURLUE_NO_FRAGMENT);
    curl_free(query);
    free(whole);
    curl_url_cleanup(url);
  } else {
    MUST(err.code == CBC_EARG && err.message[0] != '\0');
  }
  free(text);
  return 0;
}
