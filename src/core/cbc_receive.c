/*
** cbc_receive.c - what comes back on the wire: head, body, and whether it is
** whole.
*/
#include "cbc_receive.h"

#include <string.h>

#include "cbc_header.h"

/* A stream stops when this many bytes wait to be taken. */
#define STREAM_MOST ((size_t)128 * 1024)

static int status_of(const cbc_transfer *x) {
  long status = 0;
  curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
  return (int)status;
}

/* ==== Head ============================================================ */

/* True for the first line of a reply that was there before its request: no byte
** was read from the connection since then, so it stood in the TLS library
** (cbc_transfer.c looks into the socket). The reply to an earlier request may
** also end inside its first line, and this one's follow. */
static bool is_early(const cbc_transfer *x, const char *line, size_t n) {
  uint64_t bytes;
  if (!x->kept || !x->profile->layered) return false;
  /* One more is no byte, but the connection's end. */
  if (!cbc_socket_read_bytes(x->fd, &bytes) || bytes <= x->read_bytes + 1) return true;
  for (size_t i = 1; i + 5 <= n; i++)
    if (memcmp(line + i, "HTTP/", 5) == 0) return true;
  return false;
}

/* True for a reply of HTTP/2. Its pseudo-header comes from libcurl's part for that
** alone; the first line of a reply of HTTP/1.1 may hold any version. */
static bool is_framed_by_http2(const cbc_transfer *x) {
  struct curl_header *status;
  return curl_easy_header(x->easy, ":status", 0, CURLH_PSEUDO, -1, &status) == CURLHE_OK;
}

/* Notes down what the connection speaks. True for a reply that can't be taken for
** this request's: of HTTP/1.1, over a connection that others were put on. */
static bool is_crossed(cbc_transfer *x) {
  cbc_profile *p = x->profile;
  cbc_socket *s = cbc_sockets_get(&p->multi.opened, x->socket);
  x->framed = is_framed_by_http2(x);
  if (!x->framed && p->sharing) p->mixed = true;
  if (s == NULL) return false;
  s->replies++;
  s->speaks = x->framed ? CBC_HTTP_2 : CBC_HTTP_1;
  return s->shared && !x->framed;
}

/* At the first line of a reply: false for one that answers another request, or may.
** In HTTP/2 the number of the stream says which one it answers. */
static bool is_ours(cbc_transfer *x, const char *line, size_t n) {
  if (x->profile->http2) x->crossed = is_crossed(x);
  x->early = !x->framed && !x->crossed && is_early(x, line, n);
  return !x->early && !x->crossed;
}

/* Bytes of the body that count for the limit: those that are streamed don't. */
static size_t collected(const cbc_transfer *x) {
  return x->streaming ? 0 : x->reply.body.size;
}

static bool is_empty_line(const char *line, size_t n) {
  return n <= 2 && (line[0] == '\r' || line[0] == '\n');
}

/* A line of a head, an interim reply's among them, or of the trailers, which have
** no empty line behind them. libcurl takes a connection that ends inside the
** headers for the end of an empty reply. */
size_t cbc_receive_head(char *line, size_t one, size_t n, void *ud) {
  cbc_transfer *x = ud;
  (void)one;
  if (!x->begun) {
    x->begun = true;
    if (!is_ours(x, line, n)) return 0;
  }
  x->head += n;
  if (x->head + collected(x) > x->profile->max_response) {
    x->reply.too_large = true;
    return 0;
  }
  if (is_empty_line(line, n)) x->headed = status_of(x) >= 200;
  return n;
}

const char *cbc_receive_header(cbc_transfer *x, const char *name) {
  struct curl_header *header;
  size_t last = 0;
  if (curl_easy_header(x->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK) return NULL;
  last = header->amount - 1;
  if (last > 0 && curl_easy_header(x->easy, name, last, CURLH_HEADER, -1, &header) != CURLHE_OK)
    return NULL;
  return header->value;
}

/* ==== Wholeness ======================================================= */

static bool is_word(const char *value, const char *word) {
  size_t n = cbc_header_size(value);
  return n == strlen(word) && curl_strnequal(value, word, n);
}

/* True where length or chunks say where the body ends (RFC 9112, 6.3): libcurl
** then reports one that ends earlier. Else only the end of the connection does,
** which is what a broken one looks like. In HTTP/2 the end of the stream does, but
** libcurl 7.88 takes some broken ones for that (a reset without an error, an end
** by its own part for the protocol), so the length has to. */
static bool is_framed(cbc_transfer *x) {
  struct curl_header *coding;
  int status = status_of(x);
  if (status == 204 || status == 304) return true;
  if (!x->framed &&
      curl_easy_header(x->easy, "Transfer-Encoding", 0, CURLH_HEADER, -1, &coding) == CURLHE_OK)
    return coding->amount == 1 && is_word(coding->value, "chunked");
  return cbc_receive_header(x, "Content-Length") != NULL;
}

#define UNFRAMED "neither Content-Length nor chunks say where it ends"

/* Why the body may be a part only of what was sent; NULL where that would have been
** reported. libcurl 7.88 does not notice that a compressed body breaks off, so none
** is asked for. */
static const char *find_doubt(cbc_transfer *x) {
  const char *coding = cbc_receive_header(x, "Content-Encoding");
  if (!is_framed(x)) return UNFRAMED;
  if (coding != NULL && !is_word(coding, "identity"))
    return "it is compressed, which was not asked for";
  return NULL;
}

/* A JSON object or array shows itself whether it is whole, and the body of an
** error is not acted on. */
static bool shows_its_end(const cbc_transfer *x) {
  size_t n = x->reply.body.size;
  const char *bytes = x->reply.body.data;
  while (n > 0 && strchr(" \t\r\n", bytes[n - 1]) != NULL && bytes[n - 1] != '\0')
    n--;
  return x->reply.status >= 300 || n == 0 || bytes[n - 1] == '}' || bytes[n - 1] == ']';
}

/* ==== Body ============================================================ */

static bool is_whole_file(const cbc_transfer *x) {
  return x->request->stream && status_of(x) == 200;
}

/* Once for each reply, at the first bytes of its body. */
static bool begin_body(cbc_transfer *x) {
  if (x->bodied) return true;
  x->bodied = true;
  x->streaming = is_whole_file(x);
  if (x->whole && status_of(x) < 300) x->unproven = find_doubt(x);
  return x->unproven == NULL;
}

size_t cbc_receive_body(char *bytes, size_t one, size_t n, void *ud) {
  cbc_transfer *x = ud;
  cbc_buffer *body = &x->reply.body;
  (void)one;
  if (!begin_body(x)) return 0;
  if (x->streaming) {
    if (body->size > 0 && body->size + n > STREAM_MOST) {
      x->held = true;
      return CURL_WRITEFUNC_PAUSE;
    }
    cbc_transfer_wake(x);
  } else if (n > x->profile->max_response - x->head - collected(x)) {
    x->reply.too_large = true;
    return 0;
  }
  if (cbc_buffer_add(body, bytes, n)) return n;
  x->nomem = true;
  return 0;
}

/* ==== The end ========================================================= */

static const char *find_reason(cbc_transfer *x) {
  if (x->reply.status >= 300) return NULL;
  if (x->whole) return x->bodied ? NULL : find_doubt(x);
  return shows_its_end(x) || is_framed(x) ? NULL : UNFRAMED;
}

/* Sets the error of a transfer without a whole reply. libcurl's texts name hosts
** and reasons; they never hold headers. */
static void explain(cbc_transfer *x, CURLcode result) {
  cbc_error *e = &x->reply.error;
  const char *detail = x->message[0] != '\0' ? x->message : curl_easy_strerror(result);
  if (e->code == CBC_EFILE) return; /* the callback that reads the file has said why */
  if (x->nomem || result == CURLE_OUT_OF_MEMORY)
    cbc_error_nomem(e);
  else if (x->reply.too_large)
    cbc_error_set(e, CBC_ETRANSPORT, "the reply has more than %zu bytes (maxResponseBytes)",
                  x->profile->max_response);
  else if (x->unproven != NULL)
    cbc_error_set(e, CBC_ETRANSPORT, "the reply can't be proven whole: %s", x->unproven);
  else if (x->early)
    cbc_error_set(e, CBC_ETRANSPORT, "what came was there before the request, and answers another");
  else if (x->crossed)
    cbc_error_set(e, CBC_ETRANSPORT, "what came over a connection of HTTP/1.1 may answer another");
  else if (x->unfit)
    cbc_error_set(e, CBC_ETRANSPORT, "the server spoke or hung up before it was asked");
  else if (x->resent)
    cbc_error_set(e, CBC_ETRANSPORT, "the connection was closed before a reply came");
  else if (result == CURLE_OPERATION_TIMEDOUT)
    cbc_error_set(e, CBC_ETRANSPORT, "timeout: %s", detail);
  else if (result == CURLE_PARTIAL_FILE)
    cbc_error_set(e, CBC_ETRANSPORT, "the reply is truncated: %s", detail);
  else
    cbc_error_set(e, CBC_ETRANSPORT, "%s", detail);
}

void cbc_receive_finish(cbc_transfer *x, CURLcode result) {
  cbc_reply *reply = &x->reply;
  const char *after = NULL;
  reply->sent = x->sends > 0;
  if (result == CURLE_OK && !x->headed) result = CURLE_PARTIAL_FILE;
  if (result == CURLE_OK) {
    reply->status = status_of(x);
    if ((x->unproven = find_reason(x)) != NULL) {
      reply->status = 0;
      result = CURLE_PARTIAL_FILE;
    }
  }
  if (result != CURLE_OK) {
    explain(x, result);
    return;
  }
  if (reply->status >= 300) after = cbc_receive_header(x, "Retry-After");
  if (after != NULL) reply->retry_after = cbc_header_retry_after(after, x->env->wall(x->env->ud));
}
