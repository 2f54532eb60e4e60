/*
** cbc_header.h - what header values mean, and which ones may be sent.
*/
#ifndef CBC_HEADER_H
#define CBC_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "cbc_error.h"

/* Reads a Retry-After value (RFC 9110, 10.2.3: seconds or an HTTP date).
** wall is the present in seconds since the epoch. Returns seconds to wait, 0
** for a date that has passed, -1 for what is neither. */
double cbc_header_retry_after(const char *value, double wall);

/* The size of a header's value from libcurl without blanks and line breaks at its
** end: libcurl leaves the carriage return of an empty one. */
size_t cbc_header_size(const char *value);

/* Checks a header value: visible ASCII, spaces, tabs and bytes over 0x7F (RFC
** 9110, 5.5); a line break would start a header of its own. CBC_OK or CBC_EARG
** with a message that does not quote the value, which may be the key. */
cbc_code cbc_header_check_value(const char *s, size_t n, cbc_error *err);

/* Checks a header name (RFC 9110, 5.1: a token). CBC_OK or CBC_EARG. */
cbc_code cbc_header_check_name(const char *s, size_t n, cbc_error *err);

#endif
