/*
** cbc_error.h - how the core reports: a code, and a message in a fixed
** buffer, so that reporting can't itself run out of memory.
*/
#ifndef CBC_ERROR_H
#define CBC_ERROR_H

typedef enum cbc_code {
  CBC_OK = 0,
  CBC_ENOMEM,     /* out of memory */
  CBC_EARG,       /* an argument is unusable; the message says why */
  CBC_EURL,       /* the endpoint is unusable; the message says why */
  CBC_ECLOSED,    /* the client is closed */
  CBC_ETRANSPORT, /* no usable reply: name, connection, TLS, timeout, reset, truncated, too large
                   */
  CBC_EDEADLINE,  /* the call's deadline passed */
  CBC_EFILE,      /* a local file can't be read or written */
  CBC_EINTR       /* a signal came while waiting */
} cbc_code;

/* Longer messages are cut. */
#define CBC_MESSAGE_SIZE 320

typedef struct cbc_error {
  cbc_code code;
  char message[CBC_MESSAGE_SIZE];
} cbc_error;

/* Sets code and message (as printf) and returns the code. A control character
** in the result, which may quote what a server sent, is replaced with '?'. */
cbc_code cbc_error_set(cbc_error *err, cbc_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* CBC_ENOMEM with its message; returns it. */
cbc_code cbc_error_nomem(cbc_error *err);

/* Back to CBC_OK with an empty message. */
void cbc_error_clear(cbc_error *err);

#endif
