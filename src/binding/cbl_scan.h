/*
** cbl_scan.h - reading JSON text without building a value. A close gives back a
** record that most callers never look into; to learn that its text is sound is
** a tenth of the work of decoding it.
**
** The scanner is narrower than JSON on purpose: what it calls plain, lua-cjson
** decodes without fail. Text that it is not sure of is decoded at once instead.
*/
#ifndef CBL_SCAN_H
#define CBL_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* True when the text is one JSON object, nested at most 32 deep, without
** backslashes, numbers of more than 15 digits or numbers with an exponent. The
** text ends with a NUL byte behind its n bytes. False says nothing about it. */
bool cbl_scan_is_plain(const char *s, size_t n);

/* What a field of a plain object is. */
typedef enum cbl_field_kind {
  CBL_FIELD_ABSENT,
  CBL_FIELD_STRING, /* the bytes between its quotes */
  CBL_FIELD_NUMBER, /* its digits */
  CBL_FIELD_TRUE,
  CBL_FIELD_FALSE,
  CBL_FIELD_NULL,
  CBL_FIELD_OTHER /* an object or a list: decode to see */
} cbl_field_kind;

typedef struct cbl_field {
  cbl_field_kind kind;
  const char *bytes; /* points into the text */
  size_t size;
} cbl_field;

/* The field of that name of the object, for text that cbl_scan_is_plain let
** pass; of several the last, as lua-cjson has it. */
cbl_field cbl_scan_field(const char *s, const char *name, size_t name_size);

#endif
