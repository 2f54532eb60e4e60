/*
** id_fuzz.c - cbc_url_check_id and cbc_url_add_route: an id that passes is one
** segment of the path to libcurl, and decodes to itself.
*/
#include <curl/curl.h>

#include "cbc_url.h"
#include "fuzz.h"

/* The route with the id in it reads back as the id between the same segments. */
static void compare(const char *text, size_t size) {
  const cbc_segment id = {text, size};
  CURLU *url = curl_url();
  cbc_buffer b;
  char *path = NULL, *segment;
  int decoded;
  for (size_t i = 0; i < size; i++)
    MUST(text[i] > ' ' && text[i] < 0x7f && text[i] != '/');
  cbc_buffer_init(&b, cbc_env_default());
  cbc_buffer_adds(&b, "https://h");
  MUST(cbc_url_add_route(&b, "/records/{id}/close", &id));
  MUST(curl_url_set(url, CURLUPART_URL, cbc_buffer_string(&b), 0) == CURLUE_OK);
  MUST(curl_url_get(url, CURLUPART_PATH, &path, 0) == CURLUE_OK);
  MUST(strncmp(path, "/records/", 9) == 0 && strlen(path) > 15);
  MUST(strcmp(path + strlen(path) - 6, "/close") == 0);
  MUST(memchr(path + 9, '/', strlen(path) - 15) == NULL);
  segment = curl_easy_unescape(NULL, path + 9, (int)strlen(path) - 15, &decoded);
  MUST((size_t)decoded == size && memcmp(segment, text, size) == 0);
  curl_free(segment);
  curl_free(path);
  cbc_buffer_free(&b);
  curl_url_cleanup(url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  cbc_error err;
  char *text = copy_text(data, size);
  if (cbc_url_check_id(text, size, &err) == CBC_OK)
    compare(text, size);
  else
    MUST(err.code == CBC_EARG && err.message[0] != '\0');
  free(text);
  return 0;
}
