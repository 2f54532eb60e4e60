/*
** cbc_outline.h - reading JSON text without building a value. A close returns a
** record that most callers never look into; to learn that its text is sound is
** a tenth of the work of decoding it.
**
** The scanner is narrower than JSON on purpose: what it calls plain, lua-cjson
** decodes without fail. Text that it is not sure of is decoded at once instead.
*/
#ifndef CBC_OUTLINE_H
#define CBC_OUTLINE_H

#include <stdbool.h>
#include <stddef.h>

/* What a member of a plain object is. */
typedef enum cbc_member_kind {
  CBC_MEMBER_STRING,
  CBC_MEMBER_NUMBER,
  CBC_MEMBER_TRUE,
  CBC_MEMBER_FALSE,
  CBC_MEMBER_NULL,
  CBC_MEMBER_OTHER /* an object or a list: decode to see */
} cbc_member_kind;

/* Where a member of the object stands in the text, in bytes. */
typedef struct cbc_member {
  unsigned name, name_size;
  unsigned value, value_size;
} cbc_member;

/* The members of a plain object, in the order of the text. */
typedef struct cbc_outline {
  unsigned count;
  cbc_member members[];
} cbc_outline;

/* Objects with more members than this are decoded at once. */
#define CBC_MEMBERS_MOST 48

/* An outline with room for all members. */
typedef union cbc_outline_room {
  cbc_outline outline;
  unsigned room[1 + CBC_MEMBERS_MOST * sizeof(cbc_member) / sizeof(unsigned)];
} cbc_outline_room;

/* Reads the text, which ends with a NUL byte behind its n bytes. Returns true
** when it is one JSON object, nested at most 32 deep, without backslashes,
** numbers of more than 15 digits or numbers with an exponent, and fills in its
** members: the outline has room for CBC_MEMBERS_MOST. False says nothing about
** the text. */
bool cbc_outline_read(const char *s, size_t n, cbc_outline *outline);

/* A list of objects that is read one after the other. */
typedef struct cbc_outline_list {
  const char *text, *last_quote, *end;
  const char *at; /* behind what was read; NULL where the text is not plain */
} cbc_outline_list;

/* Begins to read the text, as cbc_outline_read, as one JSON list of objects. */
void cbc_outline_open(cbc_outline_list *list, const char *s, size_t n);

/* Fills in the outline of the next object. False at the end of the list, and where
** the text is not plain. */
bool cbc_outline_next(cbc_outline_list *list, cbc_outline *outline);

/* True when the list was read to its end, and the text ends there. */
bool cbc_outline_ended(const cbc_outline_list *list);

/* The member of that name, of several the last, as lua-cjson has it; NULL when
** there is none. */
const cbc_member *cbc_outline_find(const cbc_outline *outline, const char *s, const char *name,
                                   size_t name_size);

/* What the member is. The value of a string stands with its quotes. */
cbc_member_kind cbc_member_kind_of(const cbc_member *f, const char *s);

#endif
