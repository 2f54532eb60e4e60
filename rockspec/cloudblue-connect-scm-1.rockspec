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
    failures are values that say what happened to the record. With it comes a local Connect to test automation against.
  ]],
  license = "MIT",
  labels = { "cloudblue", "connect", "http", "rest", "billing" },
}

-- LuaRocks knows no optional dependencies. The sandbox and the command connect-usage need http and argparse as well;
-- a program that only closes records should not have to build their C libraries (cqueues, luaossl, lpeg), so they are
-- not named here: `luarocks install http` and `luarocks install argparse` bring them, and both say so when missing.
dependencies = {
  "lua >= 5.4, < 5.6",
  "lua-cjson >= 2.1.0",
}

-- By library: Debian keeps curl's headers in a folder for each architecture, where a check for a header fails.
external_dependencies = {
  CURL = { library = "curl" },
}

test_dependencies = {
  "busted",
  "http",
  "argparse",
  "luasocket",
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
  install_target = "install-modules",
  install = {
    bin = {
      ["connect-usage"] = "bin/connect-usage",
    },
  },
}
