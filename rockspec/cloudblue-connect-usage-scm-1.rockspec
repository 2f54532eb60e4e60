rockspec_format = "3.0"
package = "cloudblue-connect-usage"
version = "scm-1"

-- `luarocks make` builds the tree it stands in and does not fetch this. A release names its archive here.
source = {
  url = "git+file://.",
}

description = {
  summary = "The command connect-usage: close and look at the usage records of CloudBlue Connect",
  detailed = [[
    Closes a list of usage records, each once, and keeps what became of each in a ledger that survives a crash. Lists
    and shows records, uploads and downloads usage files, serves a local Connect to test against.
  ]],
  license = "MIT",
  labels = { "cloudblue", "connect", "billing", "commandline" },
}

-- luasql-sqlite3 keeps the ledger of one machine. One that machines share is in PostgreSQL, by luasql-postgres, which
-- has to be installed beside this: building it takes PostgreSQL's library.
dependencies = {
  "lua >= 5.4, < 5.5",
  "lua-cjson >= 2.1.0",
  "cloudblue-connect",
  "cloudblue-connect-sandbox",
  "argparse >= 0.7",
  "cqueues",
  "lua-term",
  "luasql-sqlite3 >= 2.6",
}

-- By make, which knows which files are the command's. There is nothing to compile.
build = {
  type = "make",
  build_pass = false,
  variables = {
    LUA = "$(LUA)",
    LUADIR = "$(LUADIR)",
  },
  install_target = "install-command",
  install = {
    bin = {
      ["connect-usage"] = "bin/connect-usage",
    },
  },
}
