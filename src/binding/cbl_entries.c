/*
** cbl_entries.c - the entries of a batch.
*/
#include "cbl_entries.h"

#include <lauxlib.h>
#include <string.h>

#include "cbc_outline.h"
#include "cbc_url.h"
#include "cbl_aux.h"
#include "cbl_check.h"
#include "cbl_json.h"

enum { ID, BILLING_ID, NOTE, FIELDS };

static const char *const names[FIELDS] = {"id", "external_billing_id", "external_billing_note"};

/* ==== Checked ========================================================= */

/* What is wrong with the field's string, or NULL; the message may stand in err. */
static const char *string_problem(int field, const char *s, size_t n, cbc_error *err) {
  if (field != ID) return cbl_check_billing(s, n, field == BILLING_ID);
  return cbc_url_check_id(s, n, err) != CBC_OK ? err->message : NULL;
}

/* Pushes what is wrong with the field's value at the top of the stack, if something is. */
static bool push_problem(lua_State *L, int field) {
  const char *problem;
  cbc_error err;
  size_t n;
  int type = lua_type(L, -1);
  if (type == LUA_TNIL && field != ID) return false;
  if (type != LUA_TSTRING) {
    lua_pushfstring(L, "%s must be a string, got %s", names[field], lua_typename(L, type));
    return true;
  }
  problem = lua_tolstring(L, -1, &n);
  problem = string_problem(field, problem, n, &err);
  if (problem != NULL) lua_pushfstring(L, "%s %s", names[field], problem);
  return problem != NULL;
}

int cbl_entries_problem(lua_State *L) {
  lua_settop(L, 1);
  if (!lua_istable(L, 1)) {
    lua_pushfstring(L, "must be a table, got %s", luaL_typename(L, 1));
    return 1;
  }
  for (int field = ID; field < FIELDS; field++) {
    lua_getfield(L, 1, names[field]);
    if (push_problem(L, field)) return 1;
    lua_pop(L, 1);
  }
  return 0;
}

/* ==== Sent ============================================================ */

/* Raises what is wrong with an entry, which stands at the top of the stack. */
static void refuse(lua_State *L, int list, lua_Integer number) {
  lua_pushfstring(L, "entry %I: %s", (LUAI_UACINT)number, lua_tostring(L, -1));
  cbl_argerror(L, list, lua_tostring(L, -1));
}

/* Adds the entry at the top of the stack, and pops it. */
static void add_entry(lua_State *L, cbc_buffer *b, int list, lua_Integer number) {
  static const char *const before[FIELDS] = {
      "{\"id\":", ",\"external_billing_id\":", ",\"external_billing_note\":"};
  int entry = lua_gettop(L);
  for (int field = ID; field < FIELDS; field++) {
    lua_getfield(L, entry, names[field]);
    if (push_problem(L, field)) refuse(L, list, number);
    if (!lua_isnil(L, -1)) {
      cbc_buffer_adds(b, before[field]);
      cbl_json_add_string(L, b, entry + 1);
    }
    lua_pop(L, 1);
  }
  cbc_buffer_adds(b, "}");
  lua_pop(L, 1);
}

void cbl_entries_add_body(lua_State *L, cbc_buffer *b, int list) {
  lua_Integer n = (lua_Integer)lua_rawlen(L, list);
  for (lua_Integer i = 1; i <= n; i++) {
    cbc_buffer_adds(b, i == 1 ? "[" : ",");
    if (lua_rawgeti(L, list, i) != LUA_TTABLE) {
      lua_pushliteral(L, "must be a table");
      refuse(L, list, i);
    }
    add_entry(L, b, list, i);
  }
  cbc_buffer_adds(b, n == 0 ? "[]" : "]");
}

/* ==== Answered ======================================================== */

/* True when the member is a string of those bytes. */
static bool is_string(const cbc_member *m, const char *text, const char *s, size_t n) {
  return m != NULL && cbc_member_kind_of(m, text) == CBC_MEMBER_STRING && m->value_size == n + 2 &&
         memcmp(text + m->value + 1, s, n) == 0;
}

/* True when the member is absent, null or an empty string. */
static bool is_nothing(const cbc_outline *o, const char *text, const char *name) {
  const cbc_member *m = cbc_outline_find(o, text, name, strlen(name));
  return m == NULL || cbc_member_kind_of(m, text) == CBC_MEMBER_NULL || is_string(m, text, "", 0);
}

/* True when the object says that the record with the id at the top of the stack is
** closed. */
static bool is_closed(lua_State *L, const cbc_outline *o, const char *text) {
  size_t n;
  const char *id = lua_tolstring(L, -1, &n);
  return is_string(cbc_outline_find(o, text, "id", 2), text, id, n) &&
         is_string(cbc_outline_find(o, text, "status", 6), text, "closed", 6) &&
         is_nothing(o, text, "error_codes") && is_nothing(o, text, "error_details");
}

/* Pushes the id of the number-th entry; false, pushing nothing, where it has none any
** more. Metamethods are not asked: they could take the text away. */
static bool push_id(lua_State *L, int list, lua_Integer number) {
  if (lua_rawgeti(L, list, number) == LUA_TTABLE) {
    lua_pushstring(L, names[ID]);
    if (lua_rawget(L, -2) == LUA_TSTRING) {
      lua_remove(L, -2);
      return true;
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return false;
}

bool cbl_entries_are_closed(lua_State *L, int list, const char *text, size_t n) {
  lua_Integer count = (lua_Integer)lua_rawlen(L, list);
  cbc_outline_room room;
  cbc_outline_list objects;
  cbc_outline_open(&objects, text, n);
  for (lua_Integer i = 1; i <= count; i++) {
    bool closed;
    if (!cbc_outline_next(&objects, &room.outline) || !push_id(L, list, i)) return false;
    closed = is_closed(L, &room.outline, text);
    lua_pop(L, 1);
    if (!closed) return false;
  }
  return !cbc_outline_next(&objects, &room.outline) && cbc_outline_ended(&objects);
}
