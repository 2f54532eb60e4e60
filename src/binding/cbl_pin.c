/*
** cbl_pin.c - keeping the module loaded.
*/
#define _GNU_SOURCE /* dladdr */
#define _DARWIN_C_SOURCE

#include "cbl_pin.h"

#include <dlfcn.h>
#include <stddef.h>

static const char here = 0;

void cbl_pin(void) {
  Dl_info info;
  /* Opened once more and never closed; it is there already, so nothing is read. */
  if (dladdr(&here, &info) != 0 && info.dli_fname != NULL)
    dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}
