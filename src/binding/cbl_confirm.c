/*
** cbl_confirm.c - whether a reply shows what a close asked for.
*/
#include "cbl_confirm.h"

#include <string.h>

#include "cbl_aux.h"

/* A field of a reply. */
typedef struct field {
  enum { ABSENT, NONE, STRING, OTHER } kind; /* NONE: null, or an empty string */
  cbc_segment s;                             /* of a STRING */
} field;

/* What a reply shows of an object. */
typedef struct shown {
  field id, status, billing_id, note;
} shown;

/* ==== Equal, and alike ================================================ */

static bool is_equal(cbc_segment a, cbc_segment b) {
  return a.size == b.size && memcmp(a.bytes, b.bytes, a.size) == 0;
}

static bool has_wide(cbc_segment s) {
  for (size_t i = 0; i < s.size; i++)
    if ((unsigned char)s.bytes[i] >= 0x80) return true;
  return false;
}

/* The next byte of s from *i on that counts for likeness, in lower case; -1 at
** the end. Blanks never count. Where one of two ids has bytes outside ASCII,
** Unicode normalisation may have changed those, and letters beside them ("é" is
** one character, or "e" and an accent); it never changes what else is ASCII. */
static int next_counting(cbc_segment s, size_t *i, bool wide) {
  while (*i < s.size) {
    int c = (unsigned char)s.bytes[(*i)++];
    if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
    if (c <= ' ' || c == 0x7f || (wide && (c >= 0x80 || (c >= 'a' && c <= 'z')))) continue;
    return c;
  }
  return -1;
}

/* True when the two may be one id that something on the way has rewritten. */
static bool is_alike(cbc_segment a, cbc_segment b) {
  bool wide = has_wide(a) || has_wide(b);
  size_t i = 0, j = 0;
  for (;;) {
    int c = next_counting(a, &i, wide);
    if (c != next_counting(b, &j, wide)) return false;
    if (c < 0) return true;
  }
}

/* ==== The rule ======================================================== */

/* What a field of a closed object shows of the value that was sent (bytes NULL:
** none was). */
static cbc_verdict judge_field(field f, cbc_segment sent, bool confirming) {
  static const cbc_segment empty = {"", 0};
  bool none_sent = sent.bytes == NULL || sent.size == 0;
  if (f.kind == OTHER) return CBC_VERDICT_UNREADABLE;
  if (f.kind == STRING) {
    if (!none_sent && is_equal(f.s, sent)) return CBC_VERDICT_APPLIED;
    return is_alike(f.s, none_sent ? empty : sent) ? CBC_VERDICT_AMBIGUOUS : CBC_VERDICT_CONFLICT;
  }
  if (none_sent) return CBC_VERDICT_APPLIED;
  if (f.kind == ABSENT) return confirming ? CBC_VERDICT_UNREADABLE : CBC_VERDICT_APPLIED;
  return confirming ? CBC_VERDICT_CONFLICT : CBC_VERDICT_UNREADABLE;
}

/* A billing id shows whose close it is; where we sent none, only the note does. */
static cbc_verdict judge_owner(const cbl_subject *sent, const shown *o, bool confirming) {
  cbc_verdict verdict = judge_field(o->billing_id, sent->billing_id, confirming);
  if (verdict != CBC_VERDICT_APPLIED || sent->billing_id.bytes != NULL) return verdict;
  return judge_field(o->note, sent->note, confirming);
}

static cbc_verdict judge(const cbl_subject *sent, const shown *o, bool confirming) {
  static const cbc_segment closed = {"closed", 6};
  if (o->id.kind != STRING || !is_equal(o->id.s, sent->id)) return CBC_VERDICT_UNREADABLE;
  if (o->status.kind != STRING) return CBC_VERDICT_UNREADABLE;
  if (!is_equal(o->status.s, closed)) return CBC_VERDICT_NOT_APPLIED;
  return judge_owner(sent, o, confirming);
}

/* ==== From text ======================================================= */

static field scanned_field(const cbc_outline *outline, const char *text, const char *name) {
  const cbc_member *f = cbc_outline_find(outline, text, name, strlen(name));
  field seen = {.kind = ABSENT};
  if (f == NULL) return seen;
  switch (cbc_member_kind_of(f, text)) {
  case CBC_MEMBER_STRING:
    seen.s = (cbc_segment){text + f->value + 1, f->value_size - 2};
    seen.kind = seen.s.size > 0 ? STRING : NONE;
    break;
  case CBC_MEMBER_NULL:
    seen.kind = NONE;
    break;
  default:
    seen.kind = OTHER;
  }
  return seen;
}

cbc_verdict cbl_confirm_scan(const cbl_job *job, const cbc_outline *outline, const char *text) {
  shown o = {.id = scanned_field(outline, text, "id"),
             .status = scanned_field(outline, text, "status"),
             .billing_id = scanned_field(outline, text, "external_billing_id"),
             .note = scanned_field(outline, text, "external_billing_note")};
  return judge(&job->subject, &o, false);
}

/* ==== From a decoded object =========================================== */

/* The field of the object at idx, which is pushed. */
static field push_field(lua_State *L, int idx, const char *name) {
  field seen = {.kind = OTHER};
  int type;
  lua_pushstring(L, name);
  type = lua_rawget(L, idx);
  if (type == LUA_TNIL) seen.kind = ABSENT;
  if (type == LUA_TLIGHTUSERDATA) seen.kind = NONE;
  if (type != LUA_TSTRING) return seen;
  seen.s.bytes = lua_tolstring(L, -1, &seen.s.size);
  seen.kind = seen.s.size > 0 ? STRING : NONE;
  return seen;
}

static const char *text_of(field f, const char *otherwise) {
  return f.kind == STRING ? f.s.bytes : otherwise;
}

void cbl_confirm_push_other(lua_State *L, const char *id) {
  if (id == NULL)
    lua_pushliteral(L, "the reply is no record or chunk: it has no id");
  else
    lua_pushfstring(L, "the reply is about another object (%s)", id);
}

/* Pushes why the object does not show what was asked for. */
static void push_reason(lua_State *L, const cbl_job *job, const shown *o, cbc_verdict verdict) {
  const char *alike = verdict == CBC_VERDICT_AMBIGUOUS
                          ? ", which may be ours: it differs in no more than blanks, letter case "
                            "or Unicode normalisation"
                          : "";
  if (o->id.kind != STRING || !is_equal(o->id.s, job->subject.id))
    cbl_confirm_push_other(L, text_of(o->id, NULL));
  else if (o->status.kind != STRING)
    lua_pushliteral(L, "the reply shows no status");
  else if (verdict == CBC_VERDICT_NOT_APPLIED)
    lua_pushfstring(L, "it is not closed (its status is %s)", o->status.s.bytes);
  else if (verdict == CBC_VERDICT_UNREADABLE)
    lua_pushliteral(L, "it is closed, and under which billing id the reply does not show");
  else if (o->billing_id.kind == STRING)
    lua_pushfstring(L, "it is closed under another billing id (%s)%s", o->billing_id.s.bytes,
                    alike);
  else if (job->subject.billing_id.bytes != NULL)
    lua_pushliteral(L, "it is closed without a billing id");
  else
    lua_pushfstring(L, "it is closed with another note (%s)%s", text_of(o->note, "none"), alike);
}

cbc_verdict cbl_confirm_judge(lua_State *L, const cbl_job *job, bool confirming) {
  int object = lua_gettop(L);
  cbc_verdict verdict;
  shown o;
  luaL_checkstack(L, 8, "no room for a reply");
  o.id = push_field(L, object, "id");
  o.status = push_field(L, object, "status");
  o.billing_id = push_field(L, object, "external_billing_id");
  o.note = push_field(L, object, "external_billing_note");
  verdict = judge(&job->subject, &o, confirming);
  if (verdict != CBC_VERDICT_APPLIED) {
    push_reason(L, job, &o, verdict);
    lua_replace(L, object + 1);
  }
  lua_settop(L, verdict != CBC_VERDICT_APPLIED ? object + 1 : object);
  return verdict;
}

/* ==== The confirming GET ============================================== */

void cbl_confirm_aim(lua_State *L, cbl_job *job) {
  cbc_buffer *url = &job->call->probe.url;
  if (url->size > 0) return;
  cbc_buffer_adds(url, cbc_client_endpoint(job->call->client));
  cbl_job_add_route(url, job->class->base_uri, job->endpoint->confirm, &job->subject.id);
  if (url->failed) cbl_raise_nomem(L);
}
