/*
** cbc_secret.c - finding the secret part of the key.
**
** Text is compared by what it reads as: JSON's escapes, percent-encoding and the
** character references of HTML are undone, one of them upon another, too. The
** secret itself is read in the same way, so that one which looks like an escape
** is found, too.
*/
#include "cbc_secret.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *skip_blanks(const char *s) {
  return s + strspn(s, " \t");
}

/* What follows the scheme; where nothing does, the key itself. */
static const char *credentials_of(const char *key) {
  const char *credentials = skip_blanks(key + strcspn(key, " \t"));
  return *credentials != '\0' ? credentials : key;
}

const char *cbc_secret_of(const char *key) {
  const char *credentials = credentials_of(key);
  const char *colon = strchr(credentials, ':');
  const char *secret = colon != NULL ? skip_blanks(colon + 1) : "";
  return *secret != '\0' ? secret : credentials;
}

/* FNV-1a of 64 bits: too short to tell a key by, long enough to tell keys apart. */
static uint64_t fingerprint(const char *s) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (; *s != '\0'; s++)
    hash = (hash ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
  return hash;
}

void cbc_secret_account(const char *key, char account[CBC_ACCOUNT_SIZE]) {
  const char *name = credentials_of(key);
  size_t n = cbc_secret_of(key) == name ? 0 : strcspn(name, ":");
  if (n > 0 && n < CBC_ACCOUNT_SIZE) {
    memcpy(account, name, n);
    account[n] = '\0';
  } else {
    snprintf(account, CBC_ACCOUNT_SIZE, "#%016" PRIx64, fingerprint(key));
  }
}

/* How often an escape of an escape is undone. Bounded, so that a long run of them
** takes linear time. */
#define NESTED_MOST 8

/* ==== Reading ========================================================= */

typedef struct reader {
  const char *at, *end;
  unsigned char rest[3]; /* what a character of several bytes still has; backwards */
  int left;
  bool literal; /* nothing but backslashes is an escape */
} reader;

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 16;
}

/* Reads a number of least to most digits, and moves behind it; -1 where it has
** less. */
static int read_number(reader *r, int base, int least, int most) {
  int number = 0, count = 0;
  while (count < most && r->at + count < r->end && hex_digit(r->at[count]) < base)
    number = number * base + hex_digit(r->at[count++]);
  if (count < least) return -1;
  r->at += count;
  return number;
}

/* A character reference of HTML, behind its '&'. */
static int read_reference(reader *r) {
  static const struct {
    const char *name;
    char character;
  } names[] = {{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}};
  reader digits = *r;
  int code;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    size_t n = strlen(names[i].name);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, names[i].name, n) != 0) continue;
    r->at += n;
    return names[i].character;
  }
  if (r->end - r->at < 4 || *digits.at++ != '#') return -1;
  if (*digits.at == 'x' || *digits.at == 'X') {
    digits.at++;
    code = read_number(&digits, 16, 1, 7);
  } else {
    code = read_number(&digits, 10, 1, 7);
  }
  if (digits.at >= r->end || *digits.at != ';') return -1;
  r->at = digits.at + 1;
  return code;
}

/* What the character c begins, when the text goes on as an escape: its code, and
** *byte is whether that is the code of a byte; -1 where it begins none. */
static int read_escape(reader *r, int c, bool escaped, bool *byte) {
  *byte = c == '%';
  if (r->literal) return -1;
  switch (c) {
  case '%':
    return read_number(r, 16, 2, 2);
  case '&':
    return read_reference(r);
  case 'u':
    return escaped ? read_number(r, 16, 4, 4) : -1;
  default:
    return -1;
  }
}

/* Begins a character by its code; the first of its bytes in UTF-8. */
static int split(reader *r, int code) {
  static const int marks[] = {0, 0xc0, 0xe0, 0xf0};
  int first = 0x40;
  while (code >= first && r->left < 3) {
    r->rest[r->left++] = (unsigned char)(0x80 | (code & 0x3f));
    code >>= 6;
    first >>= 1;
  }
  return (marks[r->left] | code) & 0xff;
}

/* The next byte of what the text reads as. There is one. Of backslashes, the last
** counts: each time that a text is escaped doubles them. */
static int next_byte(reader *r) {
  bool escaped = false, byte = true, other_byte;
  int c, other, nested = 0;
  if (r->left > 0) return r->rest[--r->left];
  c = (unsigned char)*r->at++;
  for (;;) {
    if (c == '\\' && r->at < r->end) {
      c = (unsigned char)*r->at++;
      escaped = byte = true;
    } else if (nested < NESTED_MOST && (other = read_escape(r, c, escaped, &other_byte)) >= 0) {
      nested++;
      c = other;
      byte = other_byte;
      escaped = false;
    } else {
      return byte || c < 0x80 ? c : split(r, c);
    }
  }
}

/* ==== Finding ========================================================= */

static bool has_more(const reader *r) {
  return r->left > 0 || r->at < r->end;
}

/* A blank is a '+' where a form was encoded, and a tab "\\t" in JSON. */
static bool is_same(int secret, int text) {
  return secret == text || (secret == ' ' && text == '+') || (secret == '\t' && text == 't');
}

/* The place behind the secret, ours, when the text at s reads as it, else NULL. */
static const char *match(reader ours, const char *s, const char *end) {
  reader theirs = {.at = s, .end = end};
  while (has_more(&ours)) {
    if (!has_more(&theirs) || !is_same(next_byte(&ours), next_byte(&theirs))) return NULL;
  }
  return theirs.at;
}

/* The first place from s on that reads as the secret, and *behind it; or NULL. A
** secret with what looks like an escape may have been taken for one, or not. */
static const char *find(const char *secret, const char *s, const char *end, const char **behind) {
  size_t size = strlen(secret);
  reader read = {.at = secret, .end = secret + size}, literal = read, begin = read;
  bool ambiguous = strpbrk(secret, "%&\\") != NULL;
  int first;
  first = next_byte(&begin);
  literal.literal = true;
  /* No text reads as more bytes than it has. */
  for (; ambiguous ? s < end : (size_t)(end - s) >= size; s++) {
    if (!is_same(first, (unsigned char)*s) && *s != '\\' && *s != '%' && *s != '&') continue;
    if ((*behind = match(read, s, end)) != NULL) return s;
    if (ambiguous && (*behind = match(literal, s, end)) != NULL) return s;
    /* Every backslash of a row begins the same. */
    while (*s == '\\' && s + 1 < end && s[1] == '\\')
      s++;
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
