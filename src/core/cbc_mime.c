/*
** cbc_mime.c - the multipart/form-data body of a request.
**
** libcurl's callbacks come first. They copy bytes and return a code; none of them
** calls the driver of the transfer.
*/
#include "cbc_mime.h"

#include <string.h>
#include <strings.h>

#include "cbc_input.h"

/* ==== Callbacks ======================================================= */

/* What the callbacks of one part read from. libcurl owns it: it lives until the
** transfer is over, and is opened anew for the next attempt. */
typedef struct source {
  cbc_transfer *transfer;
  const cbc_part *part;
  size_t at;      /* next byte of data */
  cbc_input file; /* closed unless the part has a path */
} source;

/* Stops libcurl when the file is not what it was: the body could not be as long
** as announced. */
static size_t read_file(char *to, size_t room, source *s) {
  size_t n;
  cbc_code rc = cbc_input_read(&s->file, to, room, &n, &s->transfer->reply.error);
  return rc == CBC_OK ? n : CURL_READFUNC_ABORT;
}

static size_t read_memory(char *to, size_t room, source *s) {
  size_t n = s->part->data_size - s->at;
  if (n > room) n = room;
  memcpy(to, s->part->data + s->at, n);
  s->at += n;
  return n;
}

static size_t read_feed(char *to, size_t room, source *s) {
  cbc_feed *feed = s->part->feed;
  size_t n;
  if (feed->freed) return CURL_READFUNC_ABORT;
  n = cbc_feed_take(feed, to, room);
  if (n > 0 || feed->ended) return n;
  feed->hungry = true;
  s->transfer->held = true;
  cbc_transfer_wake(s->transfer);
  return CURL_READFUNC_PAUSE;
}

/* The callbacks of curl_mime_data_cb. */
static size_t on_read(char *to, size_t one, size_t n, void *ud) {
  source *s = ud;
  size_t room = one * n;
  if (s->part->path != NULL) return read_file(to, room, s);
  return s->part->feed != NULL ? read_feed(to, room, s) : read_memory(to, room, s);
}

static int on_seek(void *ud, curl_off_t offset, int origin) {
  source *s = ud;
  if (s->part->feed != NULL || origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  if (s->part->path != NULL)
    return cbc_input_seek(&s->file, offset) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_CANTSEEK;
  if (offset < 0 || (size_t)offset > s->part->data_size) return CURL_SEEKFUNC_CANTSEEK;
  s->at = (size_t)offset;
  return CURL_SEEKFUNC_OK;
}

static void on_source_free(void *ud) {
  source *s = ud;
  cbc_input_close(&s->file);
  cbc_free(s->transfer->env, s, sizeof *s);
}

/* ==== Parts =========================================================== */

/* The type of a file by its name: Connect takes spreadsheets. */
static const char *type_of(const char *filename) {
  static const char ending[] = ".xlsx";
  size_t n = strlen(filename);
  if (n >= strlen(ending) && strcasecmp(filename + n - strlen(ending), ending) == 0)
    return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
  return "application/octet-stream";
}

static CURLcode name_part(curl_mimepart *p, const cbc_part *part) {
  CURLcode rc = curl_mime_name(p, part->name);
  if (rc != CURLE_OK || part->filename == NULL) return rc;
  rc = curl_mime_filename(p, part->filename);
  return rc != CURLE_OK ? rc : curl_mime_type(p, type_of(part->filename));
}

/* The bytes of a part, -1 where they are not known beforehand: the body then goes
** chunked. */
static curl_off_t size_of(const source *s) {
  if (s->part->path != NULL) return s->file.size;
  return s->part->feed != NULL ? -1 : (curl_off_t)s->part->data_size;
}

static CURLcode fill_part(cbc_transfer *x, curl_mimepart *p, const cbc_part *part) {
  CURLcode rc = CURLE_READ_ERROR;
  source *s = cbc_alloc(x->env, sizeof *s);
  if (s == NULL) return CURLE_OUT_OF_MEMORY;
  *s = (source){.transfer = x, .part = part, .file.fd = -1};
  if (part->path == NULL || cbc_input_open(&s->file, part->path, &x->reply.error) == CBC_OK)
    rc = curl_mime_data_cb(p, size_of(s), on_read, on_seek, on_source_free, s);
  if (rc != CURLE_OK) on_source_free(s);
  return rc;
}

static CURLcode add_part(cbc_transfer *x, const cbc_part *part) {
  curl_mimepart *p = curl_mime_addpart(x->mime);
  CURLcode rc;
  if (p == NULL) return CURLE_OUT_OF_MEMORY;
  rc = fill_part(x, p, part);
  return rc != CURLE_OK ? rc : name_part(p, part);
}

CURLcode cbc_mime_set(cbc_transfer *x, const cbc_request *r) {
  CURLcode rc = CURLE_OK;
  if ((x->mime = curl_mime_init(x->easy)) == NULL) return CURLE_OUT_OF_MEMORY;
  for (size_t i = 0; i < r->part_count && rc == CURLE_OK; i++)
    rc = add_part(x, &r->parts[i]);
  return rc != CURLE_OK ? rc : curl_easy_setopt(x->easy, CURLOPT_MIMEPOST, x->mime);
}
