/*
** cbc_outline.c - reading JSON text without building a value.
**
** Every function takes a place in the text and returns the place behind what it
** read, or NULL where the text is not plain. The text ends with a NUL byte, as
** a Lua string does. No production accepts one, there or before, so that no end is
** compared against; only strings would run past it, see skip_string.
*/
#include "cbc_outline.h"

#include <limits.h>
#include <string.h>

#define DEPTH_MOST 32
#define DIGITS_MOST 15

typedef struct scan {
  const char *text;
  const char *last_quote; /* before the first NUL byte */
  cbc_outline *outline;
} scan;

static inline const char *skip_space(const char *s) {
  while (*s == ' ' || *s == '\n' || *s == '\t' || *s == '\r')
    s++;
  return s;
}

/* At the opening quote. The text has no backslash, so the next quote ends it; and
** there is one, unless this is the last before a NUL byte. */
static inline const char *skip_string(const scan *c, const char *s) {
  if (s == c->last_quote) return NULL;
  return (const char *)memchr(s + 1, '"', (size_t)(c->last_quote - s)) + 1;
}

static inline const char *skip_digits(const char *s) {
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
  return end; /* an exponent is nothing that may follow a value */
}

static const char *skip_word(const char *s, const char *word) {
  size_t n = strlen(word);
  return strncmp(s, word, n) == 0 ? s + n : NULL;
}

static const char *skip_value(const scan *c, const char *s, int depth);

static const char *skip_list(const scan *c, const char *s, int depth) {
  s = skip_space(s + 1);
  if (*s == ']') return s + 1;
  for (;;) {
    if ((s = skip_value(c, s, depth + 1)) == NULL) return NULL;
    s = skip_space(s);
    if (*s == ']') return s + 1;
    if (*s != ',') return NULL;
    s = skip_space(s + 1);
  }
}

/* Adds a member to the outline: its name begins at name, behind the quote, and
** is followed by one at name_end. */
static bool add_member(const scan *c, const char *name, const char *name_end, const char *value,
                       const char *end) {
  cbc_outline *o = c->outline;
  if (o->count == CBC_MEMBERS_MOST) return false;
  o->members[o->count++] = (cbc_member){(unsigned)(name - c->text), (unsigned)(name_end - name),
                                        (unsigned)(value - c->text), (unsigned)(end - value)};
  return true;
}

static const char *skip_object(const scan *c, const char *s, int depth) {
  s = skip_space(s + 1);
  if (*s == '}') return s + 1;
  for (;;) {
    const char *name = s + 1;
    const char *name_end, *value;
    if (*s != '"' || (s = skip_string(c, s)) == NULL) return NULL;
    name_end = s - 1;
    s = skip_space(s);
    if (*s != ':') return NULL;
    value = skip_space(s + 1);
    s = *value == '"' ? skip_string(c, value) : skip_value(c, value, depth + 1);
    if (s == NULL) return NULL;
    if (depth == 1 && !add_member(c, name, name_end, value, s)) return NULL;
    s = skip_space(s);
    if (*s == '}') return s + 1;
    if (*s != ',') return NULL;
    s = skip_space(s + 1);
  }
}

static const char *skip_value(const scan *c, const char *s, int depth) {
  if (depth > DEPTH_MOST) return NULL;
  switch (*s) {
  case '"':
    return skip_string(c, s);
  case '{':
    return skip_object(c, s, depth);
  case '[':
    return skip_list(c, s, depth);
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

bool cbc_outline_read(const char *s, size_t n, cbc_outline *outline) {
  scan c = {.text = s, .last_quote = strrchr(s, '"'), .outline = outline};
  const char *at = skip_space(s);
  outline->count = 0;
  if (*at != '{' || c.last_quote == NULL || n > INT_MAX) return false;
  if (memchr(s, '\\', n) != NULL) return false;
  at = skip_object(&c, at, 1);
  return at != NULL && skip_space(at) == s + n;
}

void cbc_outline_open(cbc_outline_list *list, const char *s, size_t n) {
  const char *at = skip_space(s);
  bool plain = *at == '[' && n <= INT_MAX && memchr(s, '\\', n) == NULL;
  *list = (cbc_outline_list){s, strrchr(s, '"'), s + n, plain ? at : NULL};
}

/* At is the list's '[' before the first object, and its ']' after the last. */
bool cbc_outline_next(cbc_outline_list *list, cbc_outline *outline) {
  scan c = {.text = list->text, .last_quote = list->last_quote, .outline = outline};
  const char *at = list->at;
  if (at == NULL || *at == ']') return false;
  at = skip_space(at + 1);
  outline->count = 0;
  if (*at == ']' && *list->at == '[') {
    list->at = at;
    return false;
  }
  if (*at != '{' || c.last_quote == NULL || (at = skip_object(&c, at, 1)) == NULL) {
    list->at = NULL;
    return false;
  }
  at = skip_space(at);
  list->at = *at == ',' || *at == ']' ? at : NULL;
  return list->at != NULL;
}

bool cbc_outline_ended(const cbc_outline_list *list) {
  return list->at != NULL && *list->at == ']' && skip_space(list->at + 1) == list->end;
}

const cbc_member *cbc_outline_find(const cbc_outline *outline, const char *s, const char *name,
                                   size_t name_size) {
  for (unsigned i = outline->count; i-- > 0;) {
    const cbc_member *f = &outline->members[i];
    if (f->name_size == name_size && memcmp(s + f->name, name, name_size) == 0) return f;
  }
  return NULL;
}

cbc_member_kind cbc_member_kind_of(const cbc_member *f, const char *s) {
  switch (s[f->value]) {
  case '"':
    return CBC_MEMBER_STRING;
  case '{':
  case '[':
    return CBC_MEMBER_OTHER;
  case 't':
    return CBC_MEMBER_TRUE;
  case 'f':
    return CBC_MEMBER_FALSE;
  case 'n':
    return CBC_MEMBER_NULL;
  default:
    return CBC_MEMBER_NUMBER;
  }
}
