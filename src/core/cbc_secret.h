/*
** cbc_secret.h - finding the secret part of the key in what a service sent: it
** may echo what it was sent, escaped in one way or another.
*/
#ifndef CBC_SECRET_H
#define CBC_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* The part of an Authorization value that must not be shown: of "scheme
** credentials" (RFC 9110, 11.4) the credentials, and of those what follows the
** first ':' where something does ("ApiKey SU-000-000-000:secret"); blanks before it
** are no part of it. Returns a place in the terminated string key. */
const char *cbc_secret_of(const char *key);

/* Room for what cbc_secret_account writes. */
#define CBC_ACCOUNT_SIZE 64

/* Writes, terminated, whose key it is, and nothing of the secret that could be used: of
** "scheme name:secret" the name; where there is none, or one too long, '#' and 16
** digits, a fingerprint of the whole key. */
void cbc_secret_account(const char *key, char account[CBC_ACCOUNT_SIZE]);

/* Overwrites with '*' each place in the n bytes that reads as the secret. A
** character counts as itself, percent-encoded ("%3A"), escaped as JSON has it
** ("\u003a", "\/"; up to U+FFFF), as a reference of HTML ("&#58;", "&amp;"), and
** where that was escaped again. Returns true when there was such a place; with
** bytes to be kept, use cbc_secret_find. */
bool cbc_secret_mask(const char *secret, char *bytes, size_t n);

/* True when the n bytes hold the secret in one of these forms. */
bool cbc_secret_find(const char *secret, const char *bytes, size_t n);

#endif
