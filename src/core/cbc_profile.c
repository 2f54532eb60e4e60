/*
** cbc_profile.c - what all transfers of one client share.
*/
#include "cbc_profile.h"

#include <string.h>

#include "cbc_slist.h"

#define KEEPALIVE_IDLE 60L     /* seconds before a quiet connection is probed */
#define KEEPALIVE_INTERVAL 30L /* seconds between probes */

/* Transfers at once over one connection of HTTP/2, if the service allows as many:
** libcurl's default, and the least that a service should allow (RFC 9113, 6.5.2). */
#define STREAMS_MOST 100L

/* ==== libcurl's options =============================================== */

/* Sets an option and keeps the first refusal. */
#define SET(option, value)                                \
  do {                                                    \
    CURLcode rc_ = curl_easy_setopt(easy, option, value); \
    if (result == CURLE_OK) result = rc_;                 \
  } while (0)

static CURLcode set_protocols(CURL *easy, bool plain) {
#if LIBCURL_VERSION_NUM >= 0x075500
  return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
#else
  return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, plain ? CURLPROTO_HTTP : CURLPROTO_HTTPS);
#endif
}

/* Whether HTTP/2 is offered: libcurl may be built without it. */
static bool is_http2(const cbc_options *o) {
  return o->http2 && !o->plain &&
         (curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2) != 0;
}

static CURLcode set_connection(CURL *easy, const cbc_options *o) {
  CURLcode result = set_protocols(easy, o->plain);
  SET(CURLOPT_HTTP_VERSION,
      is_http2(o) ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
#if LIBCURL_VERSION_NUM >= 0x075700
  /* Else a timeout waits for the resolver's thread to end. The thread is left
  ** behind and frees itself, so libcurl must stay loaded: see cbl_pin.c. */
  SET(CURLOPT_QUICK_EXIT, 1L);
#endif
  SET(CURLOPT_TCP_KEEPALIVE, 1L);
  SET(CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE);
  SET(CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL);
  /* Through a proxy always by CONNECT: it sees no request, nor the key. */
  SET(CURLOPT_HTTPPROXYTUNNEL, 1L);
  SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); /* its head is not the reply's */
  if (o->proxy != NULL) {
    SET(CURLOPT_PROXY, o->proxy);
  } else if (o->plain) {
    SET(CURLOPT_PROXY, "");   /* a proxy would read the key */
    SET(CURLOPT_NOPROXY, ""); /* nor is the environment asked for exceptions, each time */
  }
  return result;
}

static CURLcode set_security(CURL *easy, const cbc_options *o) {
  CURLcode result = CURLE_OK;
  SET(CURLOPT_SSL_VERIFYPEER, 1L);
  SET(CURLOPT_SSL_VERIFYHOST, 2L);
  SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  if (o->ca_file != NULL) SET(CURLOPT_CAINFO, o->ca_file);
  if (o->ca_path != NULL) SET(CURLOPT_CAPATH, o->ca_path);
  if (o->client_cert != NULL) SET(CURLOPT_SSLCERT, o->client_cert);
  if (o->client_key != NULL) SET(CURLOPT_SSLKEY, o->client_key);
  SET(CURLOPT_FOLLOWLOCATION, 0L);
  SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  return result;
}

static CURLcode set_behaviour(CURL *easy) {
  CURLcode result = CURLE_OK;
  SET(CURLOPT_NOSIGNAL, 1L); /* signals belong to the host */
  SET(CURLOPT_NOPROGRESS, 1L);
  SET(CURLOPT_ACCEPT_ENCODING, CBC_CODINGS);
  return result;
}

static bool add_header(cbc_profile *p, const char *name, const char *value) {
  struct curl_slist *longer = cbc_slist_add(p->env, p->headers, name, value);
  if (longer == NULL) return false;
  p->headers = longer;
  return true;
}

/* The lists of headers. User-Agent and Accept-Encoding stand in them, although libcurl has an
** option for each: it would write those out twice for every request, into memory of their own and
** from there into its head, and that is a tenth of what it does for one. */
static bool add_headers(cbc_profile *p, const cbc_options *o) {
  for (size_t i = o->header_count; i-- > 0;)
    if (!add_header(p, o->headers[i].name, o->headers[i].value)) return false;
  if (!add_header(p, "Authorization", o->key)) return false;
  if (o->user_agent != NULL) {
    if (!add_header(p, "User-Agent", o->user_agent)) return false;
    p->proxied = cbc_slist_add(p->env, NULL, "User-Agent", o->user_agent);
    if (p->proxied == NULL) return false;
  }
  p->coded = cbc_slist_add(p->env, p->headers, "Accept-Encoding", CBC_CODINGS);
  if (p->coded == NULL) return false;
  /* libcurl writes the Content-Type of a form for any body; JSON has its own,
  ** and an empty body none. */
  p->typed[false] = cbc_slist_add(p->env, p->coded, "Content-Type", NULL);
  p->typed[true] = cbc_slist_add(p->env, p->coded, "Content-Type", CBC_JSON_TYPE);
  return p->typed[false] != NULL && p->typed[true] != NULL;
}

/* Those of a request are set with it (cbc_transfer.c); those of a CONNECT stay. */
static CURLcode set_headers(cbc_profile *p, const cbc_options *o) {
  if (!add_headers(p, o)) return CURLE_OUT_OF_MEMORY;
  return curl_easy_setopt(p->model, CURLOPT_PROXYHEADER, p->proxied);
}

static CURLcode to_code(CURLUcode rc) {
  return rc == CURLUE_OK              ? CURLE_OK
         : rc == CURLUE_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY
                                      : CURLE_URL_MALFORMAT;
}

/* As libcurl reads it for each connection, with an error that quotes it. */
static CURLcode check_proxy(const char *proxy) {
  CURLUcode rc = CURLUE_OUT_OF_MEMORY;
  CURLU *url;
  if (proxy == NULL || *proxy == '\0') return CURLE_OK;
  url = curl_url();
  if (url != NULL)
    rc = curl_url_set(url, CURLUPART_URL, proxy, CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME);
  curl_url_cleanup(url);
  return to_code(rc);
}

/* The URL of every transfer is the origin alone, parsed once. What is asked for goes
** into CURLOPT_REQUEST_TARGET, which libcurl sends as it is: it neither resolves dots
** nor reads the path anew for each call. */
static CURLcode set_origin(cbc_profile *p, const cbc_options *o) {
  cbc_buffer text;
  const char *s;
  CURLUcode rc = CURLUE_OUT_OF_MEMORY;
  cbc_buffer_init(&text, p->env);
  cbc_buffer_add(&text, o->origin, o->origin_size);
  p->url = curl_url();
  if (p->url != NULL && (s = cbc_buffer_string(&text)) != NULL)
    rc = curl_url_set(p->url, CURLUPART_URL, s, CURLU_DISALLOW_USER);
  cbc_buffer_free(&text);
  return rc == CURLUE_OK ? curl_easy_setopt(p->model, CURLOPT_CURLU, p->url) : to_code(rc);
}

/* How many requests may be on connections that are shared, or not. */
static CURLcode set_sharing(cbc_profile *p) {
  CURLMcode rc = curl_multi_setopt(p->multi.handle, CURLMOPT_PIPELINING,
                                   p->sharing ? (long)CURLPIPE_MULTIPLEX : (long)CURLPIPE_NOTHING);
  if (rc == CURLM_OK)
    rc = curl_multi_setopt(p->multi.handle, CURLMOPT_MAX_CONCURRENT_STREAMS, STREAMS_MOST);
  p->multi.waiters.most = (size_t)p->max_connections * (p->sharing ? (size_t)STREAMS_MOST : 1);
  return rc == CURLM_OK ? CURLE_OK : CURLE_FAILED_INIT;
}

void cbc_profile_end_sharing(cbc_profile *p) {
  p->sharing = p->mixed = false;
  set_sharing(p);
}

cbc_code cbc_profile_mend(cbc_profile *p) {
  if (!p->multi.broken) return CBC_OK;
  return cbc_multi_renew(&p->multi) == CBC_OK && set_sharing(p) == CURLE_OK ? CBC_OK : CBC_ENOMEM;
}

static CURLcode configure(cbc_profile *p, const cbc_options *o) {
  CURLcode rc;
  /* Counted and thread-safe since libcurl 7.84 (curl_global_init). Never taken
  ** back: handles outlive their client (cbc_transfer_orphan), a lookup that was
  ** given up may still be at work, and the module stays loaded (cbl_pin.c). */
  if ((rc = curl_global_init(CURL_GLOBAL_DEFAULT)) != CURLE_OK) return rc;
  if (cbc_multi_open(&p->multi) != CBC_OK) return CURLE_OUT_OF_MEMORY;
  if ((rc = set_sharing(p)) != CURLE_OK) return rc;
  p->model = curl_easy_init();
  if (p->model == NULL) return CURLE_OUT_OF_MEMORY;
  if ((rc = set_headers(p, o)) != CURLE_OK) return rc;
  if ((rc = set_origin(p, o)) != CURLE_OK) return rc;
  if ((rc = set_connection(p->model, o)) != CURLE_OK) return rc;
  if ((rc = set_security(p->model, o)) != CURLE_OK) return rc;
  return set_behaviour(p->model);
}

/* ==== Beginning and end =============================================== */

/* True where libcurl reads through TLS: to the endpoint, or to the proxy. */
static bool is_layered(const cbc_options *o) {
  return !o->plain || (o->proxy != NULL && curl_strnequal(o->proxy, "https:", 6));
}

cbc_code cbc_profile_init(cbc_profile *p, const cbc_env *env, const cbc_options *options,
                          cbc_error *err) {
  CURLcode rc;
  *p = (cbc_profile){.env = env,
                     .origin = options->origin_size,
                     .connect_timeout = options->connect_timeout,
                     .max_response = options->max_response,
                     .layered = is_layered(options),
                     .http2 = is_http2(options),
                     .sharing = is_http2(options),
                     .max_connections = options->max_connections};
  cbc_multi_init(&p->multi, env, options->max_connections);
  rc = check_proxy(options->proxy);
  if (rc == CURLE_URL_MALFORMAT)
    return cbc_error_set(err, CBC_EARG, "option 'proxy' is no URL that libcurl takes");
  if (rc == CURLE_OK) rc = configure(p, options);
  if (rc == CURLE_OK) return CBC_OK;
  if (rc == CURLE_OUT_OF_MEMORY) return cbc_error_nomem(err);
  if (rc == CURLE_URL_MALFORMAT)
    return cbc_error_set(err, CBC_EURL, "is no URL that libcurl takes");
  return cbc_error_set(err, CBC_EARG, "an option was refused by libcurl: %s",
                       curl_easy_strerror(rc));
}

void cbc_profile_free(cbc_profile *p) {
  curl_easy_cleanup(p->model);
  curl_url_cleanup(p->url);
  cbc_multi_free(&p->multi);
  for (int json = 0; json < 2; json++)
    if (p->typed[json] != NULL) cbc_slist_free(p->env, p->typed[json], p->coded);
  if (p->coded != NULL) cbc_slist_free(p->env, p->coded, p->headers);
  cbc_slist_free(p->env, p->headers, NULL);
  cbc_slist_free(p->env, p->proxied, NULL);
}
