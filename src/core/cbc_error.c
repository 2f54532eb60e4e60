/*
** cbc_error.c - a code and a message.
*/
#include "cbc_error.h"

#include <stdarg.h>
#include <stdio.h>

cbc_code cbc_error_set(cbc_error *err, cbc_code code, const char *format, ...) {
  va_list args;
  err->code = code;
  va_start(args, format);
  vsnprintf(err->message, sizeof err->message, format, args);
  va_end(args);
  for (char *c = err->message; *c != '\0'; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
  return code;
}

cbc_code cbc_error_nomem(cbc_error *err) {
  return cbc_error_set(err, CBC_ENOMEM, "not enough memory");
}

void cbc_error_clear(cbc_error *err) {
  err->code = CBC_OK;
  err->message[0] = '\0';
}
