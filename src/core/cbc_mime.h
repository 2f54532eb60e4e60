/*
** cbc_mime.h - the multipart/form-data body of a request (RFC 7578), read part by
** part while libcurl sends it.
*/
#ifndef CBC_MIME_H
#define CBC_MIME_H

#include "cbc_transfer_impl.h"

/* Makes the body of the transfer's handle from the parts of the request, which
** must stay until the transfer is done or stopped. The transfer owns what is
** made (x->mime), also when this fails. A file is opened here, and closed with
** x->mime. Returns CURLE_OK or libcurl's code; where a file is the reason, now or
** while it is sent, the reply's error is CBC_EFILE. */
CURLcode cbc_mime_set(cbc_transfer *x, const cbc_request *r);

#endif
