rockspec_format = "3.0"
package = "cloudblue-connect"
version = "scm-1"

-- `luarocks make` builds the tree it stands in and does not fetch this. A release names its archive here.
source = {
  url = "git+file://.",
}

description = {
  summary = "The CloudBlue Connect API for Lua, first of all for closing usage records",
  detailed = [[
    A client for the CloudBlue Connect API on libcurl. Usage records are closed once, whatever the network does;
    failures are values that say what happened to the record. To test automation there is a local Connect, the rock
    cloudblue-connect-sandbox.
  ]],
  license = "MIT",
  labels = { "cloudblue", "connect", "http", "rest", "billing" },
}

-- The sandbox and the command connect-usage are rocks of their own, cloudblue-connect-sandbox and -usage, with the
-- libraries that they need: a program that only closes records does not have to build those (cqueues, luaossl, lpeg).
-- A ledger needs luasql-sqlite3 or luasql-postgres; closing without one does not.
dependencies = {
  "lua >= 5.4, < 5.6",
  "lua-cjson >= 2.1.0",
}

-- By library: Debian keeps curl's headers in a folder for each architecture, where a check for a header fails.
external_dependencies = {
  CURL = { library = "curl" },
}

-- The tests are those of all three rocks.
test_dependencies = {
  "busted",
  "http",
  "argparse",
  "luasocket",
  "lua-term",
}

test = {
  type = "busted",
}

-- By make, with the flags of the Makefile: the module then exports luaopen_cloudblue_connect_core and nothing else.
-- LuaRocks says where Lua and libcurl are and where the files go.
build = {
  type = "make",
  variables = {
    BUILD = "build",
    CFLAGS = "$(CFLAGS)",
    LUA = "$(LUA)",
    LUA_CFLAGS = "-I$(LUA_INCDIR)",
    CURL_CFLAGS = "-I$(CURL_INCDIR)",
    CURL_LIBS = "-L$(CURL_LIBDIR) -Wl,-rpath,$(CURL_LIBDIR) -lcurl",
    LUADIR = "$(LUADIR)",
    LIBDIR = "$(LIBDIR)",
  },
  install_target = "install-client",
}
