rockspec_format = "3.0"
package = "cloudblue-connect-sandbox"
version = "scm-1"

-- `luarocks make` builds the tree it stands in and does not fetch this. A release names its archive here.
source = {
  url = "git+file://.",
}

description = {
  summary = "A local CloudBlue Connect to test automation against",
  detailed = [[
    Serves the usage part of the CloudBlue Connect API on a port of the own machine, with its data in memory, and on
    request with the faults that one hopes not to meet. The rock cloudblue-connect-usage has a command that serves it.
  ]],
  license = "MIT",
  labels = { "cloudblue", "connect", "test", "http", "server" },
}

-- It stands alone: the client is a rock of its own, cloudblue-connect.
dependencies = {
  "lua >= 5.4, < 5.5",
  "lua-cjson >= 2.1.0",
  "http >= 0.4",
  "cqueues",
  "luaossl",
  "luasocket >= 3.0",
}

-- By make, which knows which files are the sandbox's. There is nothing to compile.
build = {
  type = "make",
  build_pass = false,
  variables = {
    LUA = "$(LUA)",
    LUADIR = "$(LUADIR)",
  },
  install_target = "install-sandbox",
}
