/*
** cbc_request.c - what is to be sent.
*/
#include "cbc_request.h"

/* URLs beyond this are rare; their memory is not kept. */
#define URL_KEEP 4096

void cbc_request_init(cbc_request *r, const cbc_env *env) {
  *r = (cbc_request){.method = "GET"};
  cbc_buffer_init(&r->url, env);
}

void cbc_request_reset(cbc_request *r) {
  cbc_buffer url = r->url;
  cbc_buffer_reset(&url, URL_KEEP);
  *r = (cbc_request){.method = "GET", .url = url};
}

void cbc_request_free(cbc_request *r) {
  cbc_buffer_free(&r->url);
}
