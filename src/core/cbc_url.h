/*
** cbc_url.h - the parts of a URL: checking what comes from outside, and
** putting ids into routes. What these functions let pass leaves nothing for
** libcurl or a proxy to read in another way (RFC 3986).
*/
#ifndef CBC_URL_H
#define CBC_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "cbc_buffer.h"
#include "cbc_error.h"

/* Longest id in bytes; the ids of Connect have about twenty. */
#define CBC_ID_MAX 255

/* Longest path or query in bytes. */
#define CBC_PATH_MAX 65536

typedef struct cbc_endpoint {
  bool plain;    /* http rather than https */
  bool loopback; /* localhost, 127.0.0.0/8 or [::1] */
  size_t origin; /* size of scheme, host and port */
  size_t size;   /* of the endpoint without slashes at its end */
} cbc_endpoint;

/* Reads an endpoint: http or https, a host (name, IPv4 or bracketed IPv6), an
** optional port, an optional path; no user, query or fragment. Plain http is
** refused except for a loopback host or with allow_plain. Returns CBC_OK and
** fills *e, or CBC_EARG and a message that begins with what is wrong. */
cbc_code cbc_url_endpoint(const char *s, size_t n, bool allow_plain, cbc_endpoint *e,
                          cbc_error *err);

/* An id that can stand as one segment of a path: 1 to CBC_ID_MAX bytes of
** visible ASCII, no '/', and neither "." nor ".." (a URL library would resolve
** those away, and another object would be addressed). CBC_OK or CBC_EARG. */
cbc_code cbc_url_check_id(const char *s, size_t n, cbc_error *err);

/* A path below the endpoint: begins with '/', holds only what RFC 3986 allows
** in a path, no "." or ".." segment (percent-encoded or not), '%' only before
** two hexadecimal digits. CBC_OK or CBC_EARG. */
cbc_code cbc_url_check_path(const char *s, size_t n, cbc_error *err);

/* A ready query, given without its '?': visible ASCII and bytes over 127, no '#',
** '%' only before two hexadecimal digits, no empty condition ('&' at an end, or
** next to another, outside quotation marks), at most CBC_PATH_MAX bytes once it
** is encoded. CBC_OK or CBC_EARG. */
cbc_code cbc_url_check_query(const char *s, size_t n, cbc_error *err);

/* Writes a query that was checked as a URL carries it, to a place with room for
** 3 * n: percent-encodings stay, and what RFC 3986 (3.4) has no place for, such as
** '|' and '"', is percent-encoded. Returns how many bytes that made. */
size_t cbc_url_encode_query(const char *s, size_t n, char *to);

/* Writes the bytes, all but unreserved ones (RFC 3986, 2.3) percent-encoded, to
** a place with room for 3 * n. Returns how many bytes that made. */
size_t cbc_url_encode(const char *s, size_t n, char *to);

/* Appends the bytes encoded as cbc_url_encode does. False when out of memory. */
bool cbc_url_add_encoded(cbc_buffer *b, const char *s, size_t n);

/* Bytes that stand in for one "{id}" of a route. */
typedef struct cbc_segment {
  const char *bytes;
  size_t size;
} cbc_segment;

/* Appends a route, each "{id}" replaced with the next of the segments, encoded.
** There are as many segments as holes. False when out of memory. */
bool cbc_url_add_route(cbc_buffer *b, const char *route, const cbc_segment *segments);

#endif
