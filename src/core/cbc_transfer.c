/*
** cbc_transfer.c - one request and its reply on the wire.
**
** libcurl's callbacks stand first (those of the reply are in cbc_receive.c). They
** copy bytes, count and return a code; none of them calls back to whoever drives
** the transfer.
*/
#include "cbc_transfer.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>

#include "cbc_mime.h"
#include "cbc_receive.h"
#include "cbc_slist.h"
#include "cbc_transfer_impl.h"

/* Memory of a collected reply that is kept for the next one, in bytes. */
#define BODY_KEEP ((size_t)256 * 1024)

/* Bodies over 1 MiB make libcurl send "Expect: 100-continue" by itself (older
** versions: over 1 KiB). */
#define EXPECT_LEAST ((size_t)1024)

/* Seconds that an address serves for new connections: libcurl's default. */
#define NAME_AGE 60L

/* libcurl forgets no address. */
#define NAME_FOREVER (-1L)

/* ==== Callbacks ======================================================= */

/* True where libcurl goes on to send a request a second time that must not be. */
static bool is_resent(cbc_transfer *x) {
  if (x->once && x->sends > 0) x->resent = true;
  return x->resent;
}

/* CURLOPT_OPENSOCKETFUNCTION. */
static curl_socket_t on_open(void *ud, curlsocktype purpose, struct curl_sockaddr *address) {
  cbc_transfer *x = ud;
  int fd;
  (void)purpose;
  if (is_resent(x)) return CURL_SOCKET_BAD;
  x->opened = true;
  fd = cbc_multi_open_socket(&x->profile->multi, address->family, address->socktype,
                             address->protocol);
  if (fd >= 0) return fd;
  if (errno == ENOMEM) x->nomem = true;
  return CURL_SOCKET_BAD;
}

/* CURLOPT_CLOSESOCKETFUNCTION. */
static int on_close(void *ud, curl_socket_t s) {
  cbc_profile *p = ud;
  return cbc_multi_close_socket(&p->multi, s);
}

/* False when something waits in the connection already (or its end), before the
** request: libcurl, at least until 7.88, would take that for the reply. What the TLS
** library has read of a reply, and what crosses the request on its way, can't be
** seen here: see cbc_receive.c for the former; HTTP/1.1 has nothing against the
** latter. */
static bool is_empty(cbc_transfer *x, int fd) {
  /* Before the look into the socket: then what came between is not taken for
  ** read. */
  if (x->profile->layered && !cbc_socket_read_bytes(fd, &x->read_bytes)) return false;
  return cbc_socket_quiet(fd);
}

/* False for a connection over which no reply at all came while a request waited until
** its time was over, nor since. libcurl closes it where HTTP/1.1 is spoken; where
** HTTP/2 is, it would use a dead one for ever. */
static bool is_alive(const cbc_socket *s) {
  if (!s->mute || s->replies != s->heard) return true;
  shutdown(s->fd, SHUT_RD); /* libcurl then finds its end, and closes it */
  return false;
}

/* Whether a connection that was used before may be written to. What waits in one of
** HTTP/2 is no reply to this request, whatever it is. Before anything is known, a
** connection with a request on it is one of HTTP/2 as far as libcurl gets that right;
** where it does not, no reply is taken for anybody's (cbc_receive.c). */
static bool is_fit_again(cbc_transfer *x, cbc_socket *s) {
  if (s->speaks == CBC_HTTP_2) return is_alive(s);
  if (!x->profile->sharing) return is_empty(x, s->fd);
  if (s->speaks != CBC_HTTP_UNKNOWN || !s->asked) return false;
  s->shared = true;
  return is_alive(s);
}

/* False for a connection that the request must not be written to. A new one through
** TLS may hold session tickets (RFC 8446, 4.6.1), and no reply to anything; one that
** was used before had a reply behind them. */
static bool is_fit(cbc_transfer *x, cbc_address local, cbc_address remote) {
  cbc_profile *p = x->profile;
  cbc_socket *s = cbc_sockets_find(&p->multi.opened, local, remote);
  bool fit;
  x->kept = !x->opened || (s != NULL && s->asked);
  x->socket = s != NULL ? s->number : 0;
  x->fd = s != NULL ? s->fd : -1;
  if (s == NULL) return !x->kept;
  fit = x->kept ? is_fit_again(x, s) : p->layered || is_empty(x, s->fd);
  if (fit) s->asked = true;
  x->heard = s->replies;
  return fit;
}

/* How old an address may be that a connection is made to. Once the request has its
** connection that does not matter, but libcurl, unless it may keep addresses for ever,
** looks through its whole table for old ones at the end of every transfer. */
static CURLcode set_name_age(cbc_transfer *x, long seconds) {
  return curl_easy_setopt(x->easy, CURLOPT_DNS_CACHE_TIMEOUT, seconds);
}

/* CURLOPT_PREREQFUNCTION: the connection stands and the request is about to be
** sent. libcurl comes here a second time when a connection kept alive turns out
** dead before any reply, and when a service of HTTP/2 did not take the request: it
** would then send again, without asking. */
static int on_request(void *ud, char *ip, char *local_ip, int port, int local_port) {
  cbc_transfer *x = ud;
  cbc_address local = {local_ip, local_port}, remote = {ip, port};
  if (is_resent(x)) return CURL_PREREQFUNC_ABORT;
  if ((x->unfit = !is_fit(x, local, remote))) return CURL_PREREQFUNC_ABORT;
  set_name_age(x, NAME_FOREVER);
  x->sends++;
  return CURL_PREREQFUNC_OK;
}

/* CURLOPT_XFERINFOFUNCTION: wakes who wants to see the progress, when there is some. */
static int on_progress(void *ud, curl_off_t received_total, curl_off_t received,
                       curl_off_t sent_total, curl_off_t sent) {
  cbc_transfer *x = ud;
  (void)received_total;
  (void)sent_total;
  if (received + sent != x->moved) cbc_transfer_wake(x);
  x->moved = received + sent;
  return 0;
}

/* ==== Making one ======================================================== */

static CURLcode set_callbacks(cbc_transfer *x) {
  CURL *easy = x->easy;
  CURLcode rc = curl_easy_setopt(easy, CURLOPT_PRIVATE, (char *)x);
  if (rc == CURLE_OK) rc = curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, x->message);
  if (rc == CURLE_OK) rc = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
  if (rc == CURLE_OK) rc = curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, x);
  if (rc == CURLE_OK) rc = curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
  if (rc == CURLE_OK) rc = curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, x->profile);
  if (rc == CURLE_OK) rc = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, cbc_receive_body);
  if (rc == CURLE_OK) rc = curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
  if (rc == CURLE_OK) rc = curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, cbc_receive_head);
  if (rc == CURLE_OK) rc = curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
  if (rc == CURLE_OK) rc = curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
  if (rc == CURLE_OK) rc = curl_easy_setopt(easy, CURLOPT_PREREQDATA, x);
  if (rc == CURLE_OK) rc = curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  if (rc == CURLE_OK) rc = curl_easy_setopt(easy, CURLOPT_XFERINFODATA, x);
  return rc;
}

cbc_transfer *cbc_transfer_new(cbc_profile *p) {
  cbc_transfer *x = cbc_alloc(p->env, sizeof *x);
  if (x == NULL) return NULL;
  *x = (cbc_transfer){.env = p->env, .profile = p};
  cbc_buffer_init(&x->reply.body, p->env);
  x->easy = curl_easy_duphandle(p->model);
  if (x->easy != NULL && set_callbacks(x) == CURLE_OK) return x;
  cbc_transfer_free(x);
  return NULL;
}

void cbc_transfer_free(cbc_transfer *x) {
  cbc_buffer_free(&x->reply.body);
  curl_easy_cleanup(x->easy);
  cbc_free(x->env, x, sizeof *x);
}

void cbc_transfer_reset(cbc_transfer *x) {
  x->waiter = NULL;
  cbc_buffer_reset(&x->reply.body, BODY_KEEP);
}

/* The client's headers that go with a body: the Content-Type of a form is written by
** libcurl, and so is the Accept-Encoding of a body that has to come as it is. */
static struct curl_slist *client_headers(const cbc_transfer *x) {
  const cbc_profile *p = x->profile;
  cbc_body body = x->request->body;
  if (x->whole) return p->headers;
  return body == CBC_BODY_MULTIPART ? p->coded : p->typed[body == CBC_BODY_JSON];
}

/* Lets go of what belongs to one request. */
static void forget_request(cbc_transfer *x) {
  if (x->prefix != NULL) cbc_slist_free(x->env, x->prefix, client_headers(x));
  x->prefix = NULL;
  if (x->mime == NULL) return;
  curl_easy_setopt(x->easy, CURLOPT_MIMEPOST, NULL);
  curl_mime_free(x->mime);
  x->mime = NULL;
}

/* ==== The request ===================================================== */

/* What one request sets and the next mostly wants the same is set only when it
** changes: each option costs in every call. */

/* The name of a method that libcurl does not know; NULL for one that it does. */
static CURLcode set_method(cbc_transfer *x, const char *name) {
  if (name == NULL && !x->named) return CURLE_OK;
  x->named = name != NULL;
  return curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, name);
}

static CURLcode set_body(cbc_transfer *x, const cbc_request *r) {
  CURL *easy = x->easy;
  CURLcode rc;
  bool get = strcmp(r->method, "GET") == 0;
  /* libcurl knows GET and POST; other methods are one of them by another name. */
  rc = set_method(x, get || strcmp(r->method, "POST") == 0 ? NULL : r->method);
  if (rc != CURLE_OK) return rc;
  if (r->body == CBC_BODY_MULTIPART) return cbc_mime_set(x, r);
  if (r->body == CBC_BODY_NONE && strcmp(r->method, "POST") != 0 && strcmp(r->method, "PUT") != 0)
    return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
  rc = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->json_size);
  /* Not copied: the request outlives the transfer. */
  if (rc == CURLE_OK)
    rc = curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r->json_size != 0 ? r->json : "");
  if (rc == CURLE_OK) rc = curl_easy_setopt(easy, CURLOPT_POST, 1L);
  if (rc == CURLE_OK && get) rc = set_method(x, "GET");
  return rc;
}

/* libcurl asks whether a large body is wanted before it sends it; Connect has no
** answer to that, and waiting for one costs a second. */
static bool wants_no_expect(const cbc_request *r) {
  return r->body == CBC_BODY_MULTIPART || r->json_size >= EXPECT_LEAST;
}

static bool prefix_header(cbc_transfer *x, const char *name, const char *value) {
  struct curl_slist *longer = cbc_slist_add(x->env, x->prefix, name, value);
  if (longer != NULL) x->prefix = longer;
  return longer != NULL;
}

/* False when out of memory. */
static bool prefix_type(cbc_transfer *x, cbc_body body) {
  return body == CBC_BODY_MULTIPART ||
         prefix_header(x, "Content-Type", body == CBC_BODY_JSON ? CBC_JSON_TYPE : NULL);
}

static CURLcode set_headers(cbc_transfer *x, const cbc_request *r) {
  x->prefix = client_headers(x);
  if (x->whole && !prefix_type(x, r->body)) return CURLE_OUT_OF_MEMORY;
  if (wants_no_expect(r) && !prefix_header(x, "Expect", NULL)) return CURLE_OUT_OF_MEMORY;
  for (size_t i = r->header_count; i-- > 0;)
    if (!prefix_header(x, r->headers[i].name, r->headers[i].value)) return CURLE_OUT_OF_MEMORY;
  /* libcurl keeps the list by its address. */
  if (x->headers == x->prefix) return CURLE_OK;
  x->headers = x->prefix;
  return curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->prefix);
}

/* A body that must be provably whole comes by HTTP/1.1, whose chunks say where it
** ends. It also may be taken slowly, and in HTTP/2 others would wait for that. */
static CURLcode set_wholeness(cbc_transfer *x, bool whole) {
  CURLcode rc = CURLE_OK;
  cbc_profile *p = x->profile;
  if (whole && p->sharing) cbc_profile_end_sharing(p);
  if (x->whole == whole) return CURLE_OK;
  rc = curl_easy_setopt(x->easy, CURLOPT_ACCEPT_ENCODING, whole ? "identity" : CBC_CODINGS);
  if (rc == CURLE_OK && p->http2)
    rc = curl_easy_setopt(x->easy, CURLOPT_HTTP_VERSION,
                          whole ? (long)CURL_HTTP_VERSION_1_1 : (long)CURL_HTTP_VERSION_2TLS);
  if (rc == CURLE_OK) x->whole = whole;
  return rc;
}

static CURLcode set_reports(cbc_transfer *x, bool reports) {
  if (x->reports == reports) return CURLE_OK;
  x->reports = reports;
  return curl_easy_setopt(x->easy, CURLOPT_NOPROGRESS, (long)!reports);
}

static CURLcode set_fresh(cbc_transfer *x, bool fresh) {
  if (x->fresh == fresh) return CURLE_OK;
  x->fresh = fresh;
  return curl_easy_setopt(x->easy, CURLOPT_FRESH_CONNECT, (long)fresh);
}

static CURLcode set_patience(cbc_transfer *x, bool patient) {
  if (x->patient == patient) return CURLE_OK;
  x->patient = patient;
  return curl_easy_setopt(x->easy, CURLOPT_PIPEWAIT, (long)patient);
}

/* CURLOPT_TIMEOUT_MS or CURLOPT_CONNECTTIMEOUT_MS, in whose place 0 means another
** time, and a 32-bit long is the most. last is what is set; 0: nothing. */
static CURLcode set_timeout(cbc_transfer *x, CURLoption option, long *last, double seconds) {
  long milliseconds = seconds < 0.001 ? 1 : seconds > 2e6 ? 2000000000L : (long)ceil(seconds * 1e3);
  if (*last == milliseconds) return CURLE_OK;
  *last = milliseconds;
  return curl_easy_setopt(x->easy, option, milliseconds);
}

static CURLcode prepare(cbc_transfer *x, cbc_request *r) {
  const char *url = cbc_buffer_string(&r->url);
  double connect = r->connect_timeout > 0 ? r->connect_timeout : x->profile->connect_timeout;
  CURLcode rc;
  if (url == NULL) return CURLE_OUT_OF_MEMORY;
  rc = curl_easy_setopt(x->easy, CURLOPT_REQUEST_TARGET, url + x->profile->origin);
  if (rc == CURLE_OK) rc = set_body(x, r);
  if (rc == CURLE_OK) rc = set_wholeness(x, r->whole || r->stream);
  if (rc == CURLE_OK) rc = set_headers(x, r);
  if (rc == CURLE_OK) rc = set_reports(x, r->reports);
  if (rc == CURLE_OK) rc = set_timeout(x, CURLOPT_CONNECTTIMEOUT_MS, &x->connect_timeout, connect);
  return rc;
}

static void reset_reply(cbc_transfer *x) {
  cbc_buffer_reset(&x->reply.body, BODY_KEEP);
  x->reply.status = 0;
  x->reply.sent = false;
  x->reply.too_large = false;
  x->reply.retry_after = -1;
  cbc_error_clear(&x->reply.error);
  x->sends = 0;
  x->head = 0;
  x->unproven = NULL;
  x->resent = x->unfit = x->kept = x->opened = false;
  x->begun = x->early = x->crossed = x->framed = x->headed = x->bodied = false;
  x->nomem = x->held = x->streaming = false;
  x->message[0] = '\0';
}

/* Begins with what is prepared, on a new connection or any, in that time. */
static CURLcode launch(cbc_transfer *x, double timeout, bool fresh) {
  CURLcode rc = set_fresh(x, fresh);
  CURLMcode mrc;
  if (cbc_profile_mend(x->profile) != CBC_OK) return CURLE_OUT_OF_MEMORY;
  if (rc == CURLE_OK) rc = set_patience(x, x->profile->sharing);
  if (rc == CURLE_OK) rc = set_name_age(x, NAME_AGE);
  if (rc == CURLE_OK) rc = set_timeout(x, CURLOPT_TIMEOUT_MS, &x->timeout, timeout);
  if (rc != CURLE_OK) return rc;
  mrc = curl_multi_add_handle(x->profile->multi.handle, x->easy);
  x->running = mrc == CURLM_OK;
  return mrc == CURLM_OK              ? CURLE_OK
         : mrc == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY
                                      : CURLE_FAILED_INIT;
}

cbc_code cbc_transfer_start(cbc_transfer *x, cbc_request *r, double now, double timeout, bool once,
                            cbc_waiter *waiter, cbc_error *err) {
  CURLcode rc;
  reset_reply(x);
  x->request = r;
  x->once = once;
  x->waiter = waiter;
  x->moved = 0;
  x->ends = now + timeout;
  rc = prepare(x, r);
  if (rc == CURLE_OK) rc = launch(x, timeout, false);
  if (rc == CURLE_OK) return CBC_OK;
  forget_request(x);
  if (x->reply.error.code == CBC_EFILE) {
    *err = x->reply.error;
    return CBC_EFILE;
  }
  if (rc == CURLE_OUT_OF_MEMORY) return cbc_error_nomem(err);
  return cbc_error_set(err, CBC_ETRANSPORT, "%s", curl_easy_strerror(rc));
}

/* Takes it out of the multi handle: request and reply stay. */
static void leave(cbc_transfer *x) {
  if (x->running) curl_multi_remove_handle(x->profile->multi.handle, x->easy);
  x->running = false;
}

/* Notes down that the request waited for nothing until its time was over. */
static void note_silence(const cbc_transfer *x) {
  cbc_socket *s = cbc_sockets_get(&x->profile->multi.opened, x->socket);
  if (s == NULL) return;
  s->mute = true;
  s->heard = x->heard;
}

void cbc_transfer_finish(cbc_transfer *x, CURLcode result) {
  if (result == CURLE_OPERATION_TIMEDOUT && x->profile->http2 && x->sends > 0) note_silence(x);
  /* Nothing was written to the connection that was unfit, and libcurl has closed
  ** it: the same attempt goes on over a new one. */
  if (x->unfit && x->kept && !x->fresh && result != CURLE_OUT_OF_MEMORY) {
    leave(x);
    x->unfit = false;
    x->message[0] = '\0';
    result = launch(x, x->ends - x->env->now(x->env->ud), true);
    if (result == CURLE_OK) return;
  }
  cbc_receive_finish(x, result);
  cbc_transfer_stop(x);
  cbc_transfer_wake(x);
}

void cbc_transfer_stop(cbc_transfer *x) {
  leave(x);
  forget_request(x);
  if (x->waiter != NULL && x->profile != NULL)
    cbc_waiters_release(&x->profile->multi.waiters, x->waiter);
}

void cbc_transfer_orphan(cbc_transfer *x) {
  cbc_transfer_stop(x);
  x->profile = NULL;
}

bool cbc_transfer_done(const cbc_transfer *x) {
  return !x->running;
}

bool cbc_transfer_sent(const cbc_transfer *x) {
  return x->sends > 0;
}

bool cbc_transfer_streaming(const cbc_transfer *x) {
  return x->streaming && x->reply.body.size > 0;
}

cbc_reply *cbc_transfer_reply(cbc_transfer *x) {
  return &x->reply;
}

const char *cbc_transfer_header(cbc_transfer *x, const char *name) {
  return cbc_receive_header(x, name);
}

const struct curl_header *cbc_transfer_next_header(cbc_transfer *x,
                                                   const struct curl_header *previous) {
  return curl_easy_nextheader(x->easy, CURLH_HEADER, -1, (struct curl_header *)previous);
}

void cbc_transfer_progress(cbc_transfer *x, cbc_progress *p) {
  curl_off_t sent = 0, sent_total = -1, received = 0, received_total = -1;
  long status = 0;
  curl_easy_getinfo(x->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
  curl_easy_getinfo(x->easy, CURLINFO_CONTENT_LENGTH_UPLOAD_T, &sent_total);
  curl_easy_getinfo(x->easy, CURLINFO_SIZE_DOWNLOAD_T, &received);
  curl_easy_getinfo(x->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &received_total);
  curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
  *p = (cbc_progress){(double)sent, (double)sent_total, (double)received, (double)received_total,
                      status};
}

cbc_code cbc_transfer_resume(cbc_transfer *x, cbc_error *err) {
  CURLcode rc;
  if (!x->held || cbc_transfer_done(x)) return CBC_OK;
  x->held = false;
  /* A part that paused behind some bytes of its own has not paused the transfer
  ** yet, and libcurl wakes parts only when it goes on after a pause. */
  rc = x->request->body == CBC_BODY_MULTIPART ? curl_easy_pause(x->easy, CURLPAUSE_SEND) : CURLE_OK;
  if (rc == CURLE_OK) rc = curl_easy_pause(x->easy, CURLPAUSE_CONT);
  if (rc == CURLE_OK || rc == CURLE_WRITE_ERROR) return CBC_OK; /* the latter ends the transfer */
  if (rc == CURLE_OUT_OF_MEMORY) return cbc_error_nomem(err);
  return cbc_error_set(err, CBC_ETRANSPORT, "%s", curl_easy_strerror(rc));
}
