/*
** cbl_scan.c - reading JSON text without building a value.
**
** Every function takes a place in the text and returns the place behind what it
** read, or NULL where the text is not plain. The text ends with a NUL byte (it
** is a Lua string), which no production accepts, so no end is compared against.
*/
#include "cbl_scan.h"

#include <string.h>

#define DEPTH_MOST 32
#define DIGITS_MOST 15

static const char *skip_space(const char *s) {
  while (*s == ' ' || *s == '\n' || *s == '\t' || *s == '\r')
    s++;
  return s;
}

/* At the opening quote. The text has no backslash, so the next quote ends it. */
static const char *skip_string(const char *s) {
  const char *end = strchr(s + 1, '"');
  return end != NULL ? end + 1 : NULL;
}

static const char *skip_digits(const char *s) {
  while (*s >= '0' && *s <= '9')
    s++;
  return s;
}

static const char *skip_number(const char *s) {
  const char *digits = *s == '-' ? s + 1 : s;
  const char *end = skip_digits(digits);
  if (end == digits || end - digits > DIGITS_MOST) return NULL;
  if (*digits == '0' && end - digits > 1) return NULL;
  if (*end == '.') {
    const char *fraction = end + 1;
    end = skip_digits(fraction);
    if (end == fraction || end - fraction > DIGITS_MOST) return NULL;
  }
  return *end == 'e' || *end == 'E' ? NULL : end;
}

static const char *skip_word(const char *s, const char *word) {
  size_t n = strlen(word);
  return strncmp(s, word, n) == 0 ? s + n : NULL;
}

static const char *skip_value(const char *s, int depth);

static const char *skip_list(const char *s, int depth) {
  s = skip_space(s + 1);
  if (*s == ']') return s + 1;
  for (;;) {
    if ((s = skip_value(s, depth + 1)) == NULL) return NULL;
    s = skip_space(s);
    if (*s == ']') return s + 1;
    if (*s != ',') return NULL;
    s = skip_space(s + 1);
  }
}

/* At a name; returns the place of its value. *name_end is its closing quote. */
static const char *skip_name(const char *s, const char **name_end) {
  if (*s != '"' || (s = skip_string(s)) == NULL) return NULL;
  *name_end = s - 1;
  s = skip_space(s);
  return *s == ':' ? skip_space(s + 1) : NULL;
}

static const char *skip_object(const char *s, int depth) {
  const char *name_end;
  s = skip_space(s + 1);
  if (*s == '}') return s + 1;
  for (;;) {
    if ((s = skip_name(s, &name_end)) == NULL) return NULL;
    if ((s = skip_value(s, depth + 1)) == NULL) return NULL;
    s = skip_space(s);
    if (*s == '}') return s + 1;
    if (*s != ',') return NULL;
    s = skip_space(s + 1);
  }
}

static const char *skip_value(const char *s, int depth) {
  if (depth > DEPTH_MOST) return NULL;
  switch (*s) {
  case '"':
    return skip_string(s);
  case '{':
    return skip_object(s, depth);
  case '[':
    return skip_list(s, depth);
  case 't':
    return skip_word(s, "true");
  case 'f':
    return skip_word(s, "false");
  case 'n':
    return skip_word(s, "null");
  default:
    return skip_number(s);
  }
}

bool cbl_scan_is_plain(const char *s, size_t n) {
  const char *at = skip_space(s);
  if (memchr(s, '\\', n) != NULL || memchr(s, '\0', n) != NULL) return false;
  if (*at != '{' || (at = skip_object(at, 1)) == NULL) return false;
  return skip_space(at) == s + n;
}

/* The value at s, which ends at end. */
static cbl_field field_at(const char *s, const char *end) {
  size_t n = (size_t)(end - s);
  switch (*s) {
  case '"':
    return (cbl_field){CBL_FIELD_STRING, s + 1, n - 2};
  case '{':
  case '[':
    return (cbl_field){CBL_FIELD_OTHER, s, n};
  case 't':
    return (cbl_field){CBL_FIELD_TRUE, s, n};
  case 'f':
    return (cbl_field){CBL_FIELD_FALSE, s, n};
  case 'n':
    return (cbl_field){CBL_FIELD_NULL, s, n};
  default:
    return (cbl_field){CBL_FIELD_NUMBER, s, n};
  }
}

cbl_field cbl_scan_field(const char *s, const char *name, size_t name_size) {
  cbl_field found = {CBL_FIELD_ABSENT, NULL, 0};
  s = skip_space(skip_space(s) + 1);
  while (*s == '"') {
    const char *key = s + 1;
    const char *key_end;
    const char *value = skip_name(s, &key_end);
    s = skip_value(value, 1);
    if ((size_t)(key_end - key) == name_size && memcmp(key, name, name_size) == 0)
      found = field_at(value, s);
    s = skip_space(s);
    if (*s == ',') s = skip_space(s + 1);
  }
  return found;
}
