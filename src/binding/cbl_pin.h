/*
** cbl_pin.h - keeping the module loaded.
*/
#ifndef CBL_PIN_H
#define CBL_PIN_H

/* Keeps the shared object that holds this function, and with it libcurl, in the
** process until that ends: a lookup of a name that was given up goes on in a
** thread of libcurl, which must not find its code gone after lua_close. Does
** nothing in a program that links the module statically. */
void cbl_pin(void);

#endif
