/*
** cbl_marks.c - carrying numbers through lua-cjson that it would not read
** rightly.
**
** Where JSON has a value, a number and a string may take each other's place. In
** the place of a name only a string may stand, so names are left as they are,
** and so is a number that a colon follows.
*/
#include "cbl_marks.h"

#include <string.h>

#include "cbl_locale.h"

/* Digits that a float holds whatever they are. */
#define SAFE_DIGITS 15

/* As it is written, and as it is decoded. No other escape stands for it. */
#define MARK "\\u0001"
#define MARK_BYTE '\1'

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* A run of digits covers every multiple of its length, so only those are looked
** at. */
cbl_marks cbl_marks_needed(const char *s, size_t n) {
  for (size_t i = SAFE_DIGITS; i < n; i += SAFE_DIGITS + 1) {
    size_t first = i, last = i;
    if (!is_digit(s[i])) continue;
    while (first > 0 && is_digit(s[first - 1]))
      first--;
    while (is_digit(s[last + 1]))
      last++;
    if (last - first + 1 > SAFE_DIGITS) return CBL_MARKS_LONG;
  }
  return CBL_MARKS_NONE;
}

/* ==== Tokens ========================================================== */

/* The size of the JSON string at s, quotes included; it may lack the last. */
static size_t string_size(const char *s) {
  size_t i = 1;
  while (s[i] != '"' && s[i] != '\0')
    i += s[i] == '\\' && s[i + 1] != '\0' ? 2 : 1;
  return s[i] == '"' ? i + 1 : i;
}

/* What stands where a number begins. */
typedef struct number {
  size_t size;   /* in bytes */
  size_t digits; /* of an integer; 0 where it has a fraction or an exponent */
  bool valid;    /* it is as JSON has it */
} number;

static size_t skip_digits(const char *s, size_t i) {
  while (is_digit(s[i]))
    i++;
  return i;
}

static number read_number(const char *s) {
  size_t sign = s[0] == '-', whole = skip_digits(s, sign), i = whole, from;
  number x = {.size = strspn(s, "0123456789.eE+-"), .digits = whole - sign};
  x.valid = x.digits == 1 || (x.digits > 1 && s[sign] != '0');
  if (s[i] == '.') {
    from = i + 1;
    i = skip_digits(s, from);
    x.valid = x.valid && i > from;
  }
  if (s[i] == 'e' || s[i] == 'E') {
    from = i + 1 + (s[i + 1] == '+' || s[i + 1] == '-');
    i = skip_digits(s, from);
    x.valid = x.valid && i > from;
  }
  x.valid = x.valid && i == x.size;
  if (i > whole) x.digits = 0;
  return x;
}

/* True when a token that ends before s is the name of a field. */
static bool is_name(const char *s) {
  return s[strspn(s, " \t\r\n")] == ':';
}

/* ==== Marking ========================================================= */

typedef struct marking {
  luaL_Buffer b;
  const char *done; /* up to here the text is in the buffer */
} marking;

/* Adds what stands before s, and then the text. */
static void add(marking *m, const char *s, const char *text) {
  luaL_addlstring(&m->b, m->done, (size_t)(s - m->done));
  luaL_addstring(&m->b, text);
  m->done = s;
}

/* The string at s; returns what is behind it. */
static const char *mark_string(marking *m, const char *s) {
  const char *end = s + string_size(s);
  if ((s[1] == MARK_BYTE || strncmp(s + 1, MARK, sizeof MARK - 1) == 0) && !is_name(end))
    add(m, s + 1, MARK);
  return end;
}

/* The number at s; returns what is behind it. */
static const char *mark_number(marking *m, const char *s, const number *x, cbl_marks marks) {
  const char *end = s + x->size;
  if ((marks == CBL_MARKS_ALL || (x->valid && x->digits > SAFE_DIGITS)) && !is_name(end)) {
    add(m, s, "\"" MARK);
    add(m, end, "\"");
  }
  return end;
}

bool cbl_marks_add(lua_State *L, cbl_marks marks) {
  const char *s = lua_tostring(L, -1);
  marking m = {.done = s};
  luaL_buffinit(L, &m.b);
  while (*s != '\0') {
    if (*s == '"') {
      s = mark_string(&m, s);
    } else if (*s == '-' || is_digit(*s)) {
      number x = read_number(s);
      if (marks == CBL_MARKS_ALL && !x.valid) break;
      s = mark_number(&m, s, &x, marks);
    } else {
      s++;
    }
  }
  add(&m, s, "");
  luaL_pushresult(&m.b);
  lua_remove(L, *s == '\0' ? -2 : -1);
  return *s == '\0';
}

/* ==== Resolving ======================================================= */

bool cbl_marks_resolve(lua_State *L) {
  size_t n;
  const char *s = lua_tolstring(L, -1, &n);
  if (*s != MARK_BYTE) return false;
  if (s[1] == MARK_BYTE)
    lua_pushlstring(L, s + 1, n - 1);
  else if (!cbl_locale_tonumber(L, s + 1))
    return false;
  lua_remove(L, -2);
  return true;
}
