/*
** endpoint_fuzz.c - cbc_url_endpoint, held against libcurl's reading of the URL.
*/
#include <curl/curl.h>
#include <strings.h>

#include "cbc_url.h"
#include "fuzz.h"

static char *part(CURLU *url, CURLUPart what) {
  char *text = NULL;
  curl_url_get(url, what, &text, 0);
  return text;
}

static bool is_loopback(const char *host) {
  return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
         strncmp(host, "127.", 4) == 0;
}

/* What was let pass is for libcurl a scheme, a host and a path, and no more. */
static void compare(const char *text, const cbc_endpoint *e) {
  char *copy = copy_text((const uint8_t *)text, e->size);
  CURLU *url = curl_url();
  char *host;
  const char *slash = strchr(strstr(copy, "//") + 2, '/');
  CURLUcode rc = curl_url_set(url, CURLUPART_URL, copy, CURLU_PATH_AS_IS);
  /* Numbers that are no address: libcurl knows better than to connect. */
  if (rc == CURLUE_OK) {
    char *scheme = part(url, CURLUPART_SCHEME), *path = part(url, CURLUPART_PATH);
    host = part(url, CURLUPART_HOST);
    MUST(host != NULL && scheme != NULL && path != NULL);
    MUST(strcmp(scheme, e->plain ? "http" : "https") == 0);
    MUST(part(url, CURLUPART_USER) == NULL && part(url, CURLUPART_PASSWORD) == NULL);
    MUST(part(url, CURLUPART_QUERY) == NULL && part(url, CURLUPART_FRAGMENT) == NULL);
    MUST(!e->loopback || is_loopback(host));
    /* The path is what stands behind host and port, or the root. */
    MUST(strcmp(path, slash != NULL ? slash : "/") == 0);
    curl_free(scheme);
    curl_free(path);
    curl_free(host);
  }
  curl_url_cleanup(url);
  free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = copy_text(data, size);
  cbc_endpoint e, again;
  cbc_error err;
  bool allow = size % 2 == 0;
  if (cbc_url_endpoint(text, size, allow, &e, &err) == CBC_OK) {
    MUST(e.size <= size && e.size > 7);
    MUST(memchr(text, '\0', size) == NULL);
    MUST(allow || !e.plain || e.loopback);
    MUST(text[e.size - 1] != '/');
    MUST(cbc_url_endpoint(text, e.size, allow, &again, &err) == CBC_OK && again.size == e.size);
    compare(text, &e);
  } else {
    MUST(err.code == CBC_EARG && err.message[0] != '\0');
  }
  free(text);
  return 0;
}
