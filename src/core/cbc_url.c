/*
** cbc_url.c - the parts of a URL.
*/
#include "cbc_url.h"

#include <string.h>
#include <strings.h>

/* <ctype.h> asks the locale; a URL must not. */
static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_unreserved(char c) {
  return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/* RFC 3986, 3.3: pchar, without the percent sign. */
static bool is_pchar(char c) {
  return is_unreserved(c) || (c != '\0' && strchr("!$&'()*+,;=:@", c) != NULL);
}

/* The name of a byte that stands where it must not, for a message. */
static cbc_code bad_byte(const char *s, size_t at, cbc_error *err) {
  unsigned char c = (unsigned char)s[at];
  if (c > 0x20 && c < 0x7f)
    return cbc_error_set(err, CBC_EARG, "has '%c' at byte %zu, which can't stand there", c, at + 1);
  return cbc_error_set(err, CBC_EARG, "has %s (0x%02X) at byte %zu",
                       c == 0x20  ? "a space"
                       : c < 0x7f ? "a control character"
                       : c > 0x7f ? "a byte outside ASCII"
                                  : "a control character",
                       c, at + 1);
}

/* Two hexadecimal digits stand behind the '%' at byte i. */
static cbc_code check_escape(const char *s, size_t n, size_t i, cbc_error *err) {
  if (n - i >= 3 && is_hex(s[i + 1]) && is_hex(s[i + 2])) return CBC_OK;
  return cbc_error_set(err, CBC_EARG, "has '%%' at byte %zu without two hexadecimal digits", i + 1);
}

/* Every byte is allowed, and '%' stands before two hexadecimal digits. */
static cbc_code check_bytes(const char *s, size_t n, const char *more, cbc_error *err) {
  for (size_t i = 0; i < n; i++) {
    if (s[i] == '%') {
      if (check_escape(s, n, i, err) != CBC_OK) return err->code;
    } else if (!is_pchar(s[i]) && (s[i] == '\0' || strchr(more, s[i]) == NULL)) {
      return bad_byte(s, i, err);
    }
  }
  return CBC_OK;
}

/* How many bytes at s read as one dot: 1, 3 for "%2e", or 0. */
static size_t dot_size(const char *s, size_t n) {
  if (n >= 1 && s[0] == '.') return 1;
  if (n >= 3 && s[0] == '%' && s[1] == '2' && (s[2] == 'e' || s[2] == 'E')) return 3;
  return 0;
}

/* True for a segment that means "here" or "up", however it is written. */
static bool is_dot_segment(const char *s, size_t n) {
  size_t first = dot_size(s, n);
  size_t second;
  if (first == 0) return false;
  if (first == n) return true;
  second = dot_size(s + first, n - first);
  return second != 0 && first + second == n;
}

static cbc_code check_segments(const char *s, size_t n, cbc_error *err) {
  size_t start = 0;
  for (size_t i = 0; i <= n; i++) {
    if (i < n && s[i] != '/') continue;
    if (is_dot_segment(s + start, i - start))
      return cbc_error_set(err, CBC_EARG,
                           "has a '.' or '..' segment, which addresses another path");
    start = i + 1;
  }
  return CBC_OK;
}

cbc_code cbc_url_check_path(const char *s, size_t n, cbc_error *err) {
  if (n == 0 || s[0] != '/') return cbc_error_set(err, CBC_EARG, "must begin with '/'");
  if (n > CBC_PATH_MAX)
    return cbc_error_set(err, CBC_EARG, "is longer than %d bytes", CBC_PATH_MAX);
  if (check_bytes(s, n, "/", err) != CBC_OK) return err->code;
  return check_segments(s, n, err);
}

/* What stands in a query as it is (RFC 3986, 3.4), without the percent sign. */
static bool is_query_char(char c) {
  return is_pchar(c) || c == '/' || c == '?';
}

/* What must not stand in a query, not even percent-encoded for the caller: it is
** there by mistake, or it would end the query. */
static bool is_foreign(char c) {
  return (unsigned char)c <= 0x20 || c == 0x7f || c == '#';
}

/* The quotation mark at s, which may be percent-encoded, or 0. */
static int quote_at(const char *s, size_t n) {
  if (n > 0 && (s[0] == '"' || s[0] == '\'')) return s[0];
  if (n < 3 || s[0] != '%' || s[1] != '2') return 0;
  return s[2] == '2' ? '"' : s[2] == '7' ? '\'' : 0;
}

/* No condition is empty: no '&' at either end, none next to another, but within
** quotation marks, where it is a letter like any other. */
static cbc_code check_conditions(const char *s, size_t n, cbc_error *err) {
  size_t begin = 0;
  int quote = 0; /* the mark that is open */
  for (size_t i = 0; i < n; i++) {
    int mark = quote_at(s + i, n - i);
    if (quote == 0)
      quote = mark;
    else if (quote == mark)
      quote = 0;
    if (quote != 0 || s[i] != '&') continue;
    if (i == begin || i == n - 1)
      return cbc_error_set(err, CBC_EARG, "has an empty condition beside the '&' at byte %zu",
                           i + 1);
    begin = i + 1;
  }
  return CBC_OK;
}

cbc_code cbc_url_check_query(const char *s, size_t n, cbc_error *err) {
  size_t size = n;
  if (n > 0 && s[0] == '?')
    return cbc_error_set(err, CBC_EARG, "begins with '?', which stands before a query");
  for (size_t i = 0; i < n; i++) {
    if (s[i] == '%') {
      if (check_escape(s, n, i, err) != CBC_OK) return err->code;
    } else if (is_foreign(s[i])) {
      return bad_byte(s, i, err);
    } else if (!is_query_char(s[i])) {
      size += 2;
    }
  }
  if (size > CBC_PATH_MAX)
    return cbc_error_set(err, CBC_EARG, "is longer than %d bytes", CBC_PATH_MAX);
  return check_conditions(s, n, err);
}

cbc_code cbc_url_check_id(const char *s, size_t n, cbc_error *err) {
  if (n == 0) return cbc_error_set(err, CBC_EARG, "is empty");
  if (n > CBC_ID_MAX)
    return cbc_error_set(err, CBC_EARG, "has %zu bytes; an id has at most %d", n, CBC_ID_MAX);
  for (size_t i = 0; i < n; i++)
    if (s[i] <= 0x20 || s[i] >= 0x7f || s[i] == '/') return bad_byte(s, i, err);
  if (is_dot_segment(s, n))
    return cbc_error_set(err, CBC_EARG, "is '%.*s', which a URL resolves to another path", (int)n,
                         s);
  return CBC_OK;
}

/* How many bytes at s are a number from 0 to 255, without zeros before it: those
** make it octal for some readers and no number at all for others, libcurl among
** them, which then looks it up as a name. 0 where there is none. */
static size_t octet_size(const char *s, size_t n) {
  size_t i = 0;
  int value = 0;
  while (i < n && is_digit(s[i]) && value <= 255)
    value = value * 10 + (s[i++] - '0');
  return value <= 255 && (i < 2 || s[0] != '0') ? i : 0;
}

/* 127.a.b.c, as RFC 3986 (3.2.2) spells an IPv4 address; other spellings don't
** count as loopback. */
static bool is_loopback_ipv4(const char *s, size_t n) {
  size_t at = 4;
  if (n < 4 || memcmp(s, "127.", 4) != 0) return false;
  for (int left = 3; left > 0; left--) {
    size_t octet = octet_size(s + at, n - at);
    if (octet == 0) return false;
    at += octet;
    if (left > 1 && (at == n || s[at++] != '.')) return false;
  }
  return at == n;
}

static bool is_loopback(const char *s, size_t n) {
  if (n == 9 && strncasecmp(s, "localhost", 9) == 0) return true;
  if (n == 5 && memcmp(s, "[::1]", 5) == 0) return true;
  return is_loopback_ipv4(s, n);
}

/* The size of the host at s, or 0 with a message. */
static size_t host_size(const char *s, size_t n, cbc_error *err) {
  size_t i = 0;
  if (n > 0 && s[0] == '[') {
    for (i = 1; i < n && (is_hex(s[i]) || s[i] == ':' || s[i] == '.'); i++)
      ;
    if (i > 1 && i < n && s[i] == ']') return i + 1;
    cbc_error_set(err, CBC_EARG, "has a broken IPv6 address");
    return 0;
  }
  while (i < n && (is_alpha(s[i]) || is_digit(s[i]) || s[i] == '-' || s[i] == '.' || s[i] == '_'))
    i++;
  if (i == 0) cbc_error_set(err, CBC_EARG, "has no host");
  return i;
}

/* The size of ":port" at s (0 where there is none), or -1 with a message. */
static long port_size(const char *s, size_t n, cbc_error *err) {
  long port = 0;
  size_t i = 1;
  if (n == 0 || s[0] != ':') return 0;
  for (; i < n && is_digit(s[i]) && port <= 65535; i++)
    port = port * 10 + (s[i] - '0');
  if (i > 1 && port > 0 && port <= 65535) return (long)i;
  cbc_error_set(err, CBC_EARG, "has a port that is not a number from 1 to 65535");
  return -1;
}

/* The size of "https://" or "http://" at s, or 0 with a message. */
static size_t scheme_size(const char *s, size_t n, bool *plain, cbc_error *err) {
  *plain = false;
  if (n >= 8 && strncasecmp(s, "https://", 8) == 0) return 8;
  *plain = true;
  if (n >= 7 && strncasecmp(s, "http://", 7) == 0) return 7;
  cbc_error_set(err, CBC_EARG, "must begin with https:// (or http:// for a local service)");
  return 0;
}

/* What follows host and port, from at to n. */
static cbc_code check_endpoint_path(const char *s, size_t at, size_t n, cbc_error *err) {
  for (size_t i = at; i < n; i++)
    if (s[i] == '?' || s[i] == '#')
      return cbc_error_set(err, CBC_EARG,
                           "has '%c' at byte %zu: it ends with its path, without a query", s[i],
                           i + 1);
  if (s[at] != '/') return bad_byte(s, at, err);
  return cbc_url_check_path(s + at, n - at, err);
}

cbc_code cbc_url_endpoint(const char *s, size_t n, bool allow_plain, cbc_endpoint *e,
                          cbc_error *err) {
  size_t at, host;
  long port;
  if (n > CBC_PATH_MAX)
    return cbc_error_set(err, CBC_EARG, "is longer than %d bytes", CBC_PATH_MAX);
  if ((at = scheme_size(s, n, &e->plain, err)) == 0) return err->code;
  /* Looked for by itself, so that a password is not quoted as a broken port. */
  if (memchr(s, '@', n) != NULL)
    return cbc_error_set(err, CBC_EARG, "has '@': a user or password can't stand in the endpoint");
  if ((host = host_size(s + at, n - at, err)) == 0) return err->code;
  e->loopback = is_loopback(s + at, host);
  at += host;
  if ((port = port_size(s + at, n - at, err)) < 0) return err->code;
  at += (size_t)port;
  e->origin = at;
  while (n > at && s[n - 1] == '/')
    n--;
  if (n > at && check_endpoint_path(s, at, n, err) != CBC_OK) return err->code;
  if (e->plain && !e->loopback && !allow_plain)
    return cbc_error_set(err, CBC_EARG,
                         "is plain http to a host that is not this machine, and the key would "
                         "travel unprotected; use https, or allowPlainHttp = true");
  e->size = n;
  return CBC_OK;
}

/* Writes c percent-encoded; returns the place behind. */
static char *encode_byte(char *to, unsigned char c) {
  static const char hex[] = "0123456789ABCDEF";
  *to++ = '%';
  *to++ = hex[c >> 4];
  *to++ = hex[c & 15];
  return to;
}

size_t cbc_url_encode(const char *s, size_t n, char *to) {
  char *end = to;
  for (size_t i = 0; i < n; i++) {
    if (is_unreserved(s[i]))
      *end++ = s[i];
    else
      end = encode_byte(end, (unsigned char)s[i]);
  }
  return (size_t)(end - to);
}

size_t cbc_url_encode_query(const char *s, size_t n, char *to) {
  char *end = to;
  for (size_t i = 0; i < n; i++) {
    if (is_query_char(s[i]) || s[i] == '%')
      *end++ = s[i];
    else
      end = encode_byte(end, (unsigned char)s[i]);
  }
  return (size_t)(end - to);
}

bool cbc_url_add_encoded(cbc_buffer *b, const char *s, size_t n) {
  char block[3 * CBC_ID_MAX];
  for (; n > CBC_ID_MAX; s += CBC_ID_MAX, n -= CBC_ID_MAX)
    cbc_buffer_add(b, block, cbc_url_encode(s, CBC_ID_MAX, block));
  return cbc_buffer_add(b, block, cbc_url_encode(s, n, block));
}

bool cbc_url_add_route(cbc_buffer *b, const char *route, const cbc_segment *segments) {
  static const char hole[] = "{id}";
  const char *at;
  while ((at = strstr(route, hole)) != NULL) {
    cbc_buffer_add(b, route, (size_t)(at - route));
    cbc_url_add_encoded(b, segments->bytes, segments->size);
    segments++;
    route = at + strlen(hole);
  }
  return cbc_buffer_adds(b, route);
}
