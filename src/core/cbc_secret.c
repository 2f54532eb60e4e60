/*
** cbc_secret.c - finding the secret part of the key.
**
** Text is compared character by character, not byte by byte: a character is
** what a byte or an escape stands for. The secret itself is read in the same
** way, so that one which looks like an escape is found, too.
*/
#include "cbc_secret.h"

#include <string.h>

const char *cbc_secret_of(const char *key) {
  const char *blank = strchr(key, ' ');
  const char *credentials = blank != NULL && blank[1] != '\0' ? blank + 1 : key;
  const char *colon = strchr(credentials, ':');
  return colon != NULL && colon[1] != '\0' ? colon + 1 : credentials;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* The number that the count hexadecimal digits at s mean, or -1. */
static int hex_number(const char *s, const char *end, int count) {
  int number = 0;
  if (end - s < count) return -1;
  for (int i = 0; i < count; i++) {
    int digit = hex_digit(s[i]);
    if (digit < 0) return -1;
    number = number * 16 + digit;
  }
  return number;
}

/* Reads the character at *s and moves *s behind it. */
static int next_character(const char **s, const char *end) {
  const char *at = *s;
  int code;
  if (*at == '%' && (code = hex_number(at + 1, end, 2)) >= 0) {
    *s = at + 3;
    return code;
  }
  while (at < end && *at == '\\')
    at++;
  if (at == *s || at == end) { /* no escape, or backslashes alone */
    *s = at == *s ? at + 1 : at;
    return (unsigned char)(*s)[-1];
  }
  if (*at == 'u' && (code = hex_number(at + 1, end, 4)) >= 0) {
    *s = at + 5;
    return code;
  }
  *s = at + 1;
  return (unsigned char)*at;
}

/* The place behind the secret when the text at s reads as it, else NULL. */
static const char *match(const char *secret, const char *secret_end, const char *s,
                         const char *end) {
  while (secret < secret_end) {
    if (s >= end || next_character(&secret, secret_end) != next_character(&s, end)) return NULL;
  }
  return s;
}

/* The first place from s on that reads as the secret, and *behind it; or NULL. */
static const char *find(const char *secret, const char *s, const char *end, const char **behind) {
  const char *secret_end = secret + strlen(secret);
  const char *first = secret;
  int character = next_character(&first, secret_end);
  for (; s < end; s++) {
    if ((unsigned char)*s != character && *s != '\\' && *s != '%') continue;
    if ((*behind = match(secret, secret_end, s, end)) != NULL) return s;
  }
  return NULL;
}

bool cbc_secret_find(const char *secret, const char *bytes, size_t n) {
  const char *behind;
  return *secret != '\0' && find(secret, bytes, bytes + n, &behind) != NULL;
}

bool cbc_secret_mask(const char *secret, char *bytes, size_t n) {
  const char *end = bytes + n, *at = bytes, *behind;
  bool found = false;
  if (*secret == '\0') return false;
  while ((at = find(secret, at, end, &behind)) != NULL) {
    memset(bytes + (at - bytes), '*', (size_t)(behind - at));
    at = behind;
    found = true;
  }
  return found;
}
