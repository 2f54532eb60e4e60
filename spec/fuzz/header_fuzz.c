/*
** header_fuzz.c - Retry-After, and the checks of header names and values.
*/
#include <math.h>

#include "cbc_header.h"
#include "fuzz.h"

#define WALL 1767225600.0 /* 2026-01-01 */

static void retry_after(const char *text) {
  double seconds = cbc_header_retry_after(text, WALL);
  size_t blanks = strspn(text, " \t");
  size_t digits = strspn(text + blanks, "0123456789");
  MUST(isfinite(seconds) && (seconds == -1 || seconds >= 0));
  if (digits > 0 && text[blanks + digits] == '\0')
    MUST(digits > 9 ? seconds >= 0 : seconds == (double)atol(text + blanks));
  /* A date is a point in time: a second later there is a second less to wait. */
  if (digits == 0 && seconds > 1) MUST(cbc_header_retry_after(text, WALL + 1) == seconds - 1);
  MUST(cbc_header_size(text) <= strlen(text));
}

static void checks(const char *text, size_t size) {
  cbc_error err;
  bool value = cbc_header_check_value(text, size, &err) == CBC_OK;
  bool name = cbc_header_check_name(text, size, &err) == CBC_OK;
  bool line = false;
  for (size_t i = 0; i < size; i++)
    if (text[i] == '\r' || text[i] == '\n' || text[i] == '\0') line = true;
  MUST(!(line && (value || name)));
  MUST(!name || (size > 0 && memchr(text, ':', size) == NULL && memchr(text, ' ', size) == NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = copy_text(data, size);
  retry_after(text);
  checks(text, size);
  free(text);
  return 0;
}
