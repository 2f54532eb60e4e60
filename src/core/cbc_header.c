/*
** cbc_header.c - what header values mean, and which ones may be sent.
*/
#include "cbc_header.h"

#include <curl/curl.h>
#include <string.h>

/* More seconds than any deadline; larger values stay there. */
#define FOREVER 1e9

static double read_seconds(const char *s) {
  double seconds = 0;
  for (; *s >= '0' && *s <= '9'; s++)
    if (seconds < FOREVER) seconds = seconds * 10 + (*s - '0');
  while (*s == ' ' || *s == '\t')
    s++;
  return *s == '\0' ? seconds : -1;
}

double cbc_header_retry_after(const char *value, double wall) {
  time_t date;
  while (*value == ' ' || *value == '\t')
    value++;
  if (*value >= '0' && *value <= '9') return read_seconds(value);
  /* An HTTP date begins with the name of a day; curl_getdate takes much else for a
  ** date. */
  if (strlen(value) > 40 || strchr("MTWFS", *value) == NULL || *value == '\0') return -1;
  date = curl_getdate(value, NULL);
  if (date == (time_t)-1) return -1;
  return (double)date > wall ? (double)date - wall : 0;
}

size_t cbc_header_size(const char *value) {
  size_t n = strlen(value);
  while (n > 0 && strchr(" \t\r\n", value[n - 1]) != NULL)
    n--;
  return n;
}

cbc_code cbc_header_check_value(const char *s, size_t n, cbc_error *err) {
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)s[i];
    if ((c < 0x20 && c != '\t') || c == 0x7f)
      return cbc_error_set(err, CBC_EARG, "has a control character (0x%02X) at byte %zu", c, i + 1);
  }
  return CBC_OK;
}

cbc_code cbc_header_check_name(const char *s, size_t n, cbc_error *err) {
  if (n == 0) return cbc_error_set(err, CBC_EARG, "is empty");
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)s[i];
    if (c <= 0x20 || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL)
      return cbc_error_set(
          err, CBC_EARG, "has a character (0x%02X) at byte %zu that no header name has", c, i + 1);
  }
  return CBC_OK;
}
