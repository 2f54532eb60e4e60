/*
** cbl_module.c - opens the module.
*/
#include "cloudblue_connect.h"

#include <curl/curl.h>

#include "cbl_aux.h"
#include "cbl_batch.h"
#include "cbl_block.h"
#include "cbl_client.h"
#include "cbl_download.h"
#include "cbl_entries.h"
#include "cbl_failure.h"
#include "cbl_job.h"
#include "cbl_json.h"
#include "cbl_live.h"
#include "cbl_loop.h"
#include "cbl_methods.h"
#include "cbl_nearest.h"
#include "cbl_options.h"
#include "cbl_pause.h"
#include "cbl_pin.h"
#include "cbl_query.h"
#include "cbl_state.h"
#include "cbl_upload.h"
#include "cbl_version.h"

/* core.setFilterWriter(f): f(filter, options) returns the query of a filter; or
** nil, which of the two is wrong (1 or 2), and what is wrong with it. */
static int set_filter_writer(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  cbl_state_set(L, CBL_FILTER_WRITER);
  return 0;
}

static void open_types(lua_State *L) {
  cbl_state_open(L);
  cbl_live_open(L);
  cbl_failure_open(L);
  cbl_job_open(L);
  cbl_upload_open(L);
  cbl_download_open(L);
}

int luaopen_cloudblue_connect_core(lua_State *L) {
  static const luaL_Reg functions[] = {{"ConnectClient", cbl_client_new},
                                       {"setFilterWriter", set_filter_writer},
                                       {"newFailure", cbl_failure_new},
                                       {"unknownOption", cbl_nearest_unknown_option},
                                       {"encodeQuery", cbl_query_encode},
                                       {"readLimits", cbl_options_read_limits},
                                       {"setTasks", cbl_loop_set_tasks},
                                       {"waiting", cbl_loop_waiting},
                                       {"waitForTasks", cbl_block_tasks},
                                       {"unattached", cbl_loop_unattached},
                                       {"lend", cbl_loop_lend},
                                       {"takeBack", cbl_loop_take_back},
                                       {"pause", cbl_pause},
                                       {"isClosed", cbl_pause_closed},
                                       {"now", cbl_pause_now},
                                       {"timeout", cbl_pause_timeout},
                                       {"closeBatch", cbl_batch_close},
                                       {"encodeJson", cbl_json_lua_encode},
                                       {"decodeJson", cbl_json_lua_decode},
                                       {"problemOfEntry", cbl_entries_problem},
                                       {"account", cbl_pause_account},
                                       {NULL, NULL}};
  luaL_checkversion(L);
  cbl_pin();
  open_types(L);
  cbl_newlib(L, functions);
  cbl_methods_add_constructors(L);
  cbl_methods_open(L);
  lua_setfield(L, -3, "methods");
  lua_setfield(L, -2, "clientMethods");
  cbl_state_push(L, CBL_NULL);
  lua_setfield(L, -2, "null");
  lua_pushliteral(L, CBL_VERSION);
  lua_setfield(L, -2, "_VERSION");
  return 1;
}
