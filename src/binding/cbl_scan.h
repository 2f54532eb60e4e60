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

/* What a field of a plain object is. */
typedef enum cbl_field_kind {
  CBL_FIELD_STRING,
  CBL_FIELD_NUMBER,
  CBL_FIELD_TRUE,
  CBL_FIELD_FALSE,
  CBL_FIELD_NULL,
  CBL_FIELD_OTHER /* an object or a list: decode to see */
} cbl_field_kind;

/* Where a field of the object stands in the text, in bytes. */
typedef struct cbl_field {
  unsigned name, name_size;
  unsigned value, value_size;
} cbl_field;

/* The fields of a plain object, in the order of the text. */
typedef struct cbl_outline {
  unsigned count;
  cbl_field fields[];
} cbl_outline;

/* Objects with more fields than this are decoded at once. */
#define CBL_FIELDS_MOST 48

/* An outline with room for all fields. */
typedef union cbl_outline_room {
  cbl_outline outline;
  unsigned room[1 + CBL_FIELDS_MOST * sizeof(cbl_field) / sizeof(unsigned)];
} cbl_outline_room;

/* Reads the text, which ends with a NUL byte behind its n bytes. Returns true
** when it is one JSON object, nested at most 32 deep, without backslashes,
** numbers of more than 15 digits or numbers with an exponent, and fills in its
** fields: the outline has room for CBL_FIELDS_MOST. False says nothing about
** the text. */
bool cbl_scan(const char *s, size_t n, cbl_outline *outline);

/* The field of that name, of several the last, as lua-cjson has it; NULL when
** there is none. */
const cbl_field *cbl_outline_find(const cbl_outline *outline, const char *s, const char *name,
                                  size_t name_size);

/* What the field is. The value of a string stands with its quotes. */
cbl_field_kind cbl_field_kind_of(const cbl_field *f, const char *s);

#endif
