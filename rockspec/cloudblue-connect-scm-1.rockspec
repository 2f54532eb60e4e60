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
    what went wrong is told as a value. With it comes a local Connect to test automation against.
  ]],
  license = "MIT",
  labels = { "cloudblue", "connect", "http", "rest", "billing" },
}

-- LuaRocks knows no optional dependencies. The sandbox and the command connect-usage need http and argparse as well;
-- a program that only closes records should not have to build their C libraries (cqueues, luaossl, lpeg), so they are
-- not named here: `luarocks install http` and `luarocks install argparse` bring them, and both say so when missing.
dependencies = {
  "lua >= 5.4",
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

build = {
  type = "builtin",
  modules = {
    ["cloudblue.connect.core"] = {
      sources = {
        -- C sources: begin
        "src/binding/cbl_action.c",
        "src/binding/cbl_actions.c",
        "src/binding/cbl_answer.c",
        "src/binding/cbl_arguments.c",
        "src/binding/cbl_body.c",
        "src/binding/cbl_call.c",
        "src/binding/cbl_chunk.c",
        "src/binding/cbl_client.c",
        "src/binding/cbl_failure.c",
        "src/binding/cbl_files.c",
        "src/binding/cbl_hooks.c",
        "src/binding/cbl_json.c",
        "src/binding/cbl_module.c",
        "src/binding/cbl_options.c",
        "src/binding/cbl_pin.c",
        "src/binding/cbl_query.c",
        "src/binding/cbl_reply.c",
        "src/binding/cbl_request.c",
        "src/binding/cbl_resource.c",
        "src/binding/cbl_results.c",
        "src/binding/cbl_scan.c",
        "src/binding/cbl_shared.c",
        "src/binding/cbl_verdict.c",
        "src/core/cbc_buffer.c",
        "src/core/cbc_call.c",
        "src/core/cbc_client.c",
        "src/core/cbc_env.c",
        "src/core/cbc_error.c",
        "src/core/cbc_exchange.c",
        "src/core/cbc_file.c",
        "src/core/cbc_header.c",
        "src/core/cbc_headers.c",
        "src/core/cbc_mime.c",
        "src/core/cbc_request.c",
        "src/core/cbc_transfer.c",
        "src/core/cbc_transport.c",
        "src/core/cbc_url.c",
        -- C sources: end
      },
      defines = { "_POSIX_C_SOURCE=200809L" },
      incdirs = { "src/core", "src/binding", "$(CURL_INCDIR)" },
      libdirs = { "$(CURL_LIBDIR)" },
      libraries = { "curl" },
    },
    -- Lua modules: begin
    ["cloudblue.connect.command"] = "lua/cloudblue/connect/command.lua",
    ["cloudblue.connect.command.sandbox"] = "lua/cloudblue/connect/command/sandbox.lua",
    ["cloudblue.connect"] = "lua/cloudblue/connect/init.lua",
    ["cloudblue.connect.meta"] = "lua/cloudblue/connect/meta.lua",
    ["cloudblue.connect.paging"] = "lua/cloudblue/connect/paging.lua",
    ["cloudblue.connect.rql"] = "lua/cloudblue/connect/rql.lua",
    ["cloudblue.connect.rql.builder"] = "lua/cloudblue/connect/rql/builder.lua",
    ["cloudblue.connect.rql.filter"] = "lua/cloudblue/connect/rql/filter.lua",
    ["cloudblue.connect.rql.list"] = "lua/cloudblue/connect/rql/list.lua",
    ["cloudblue.connect.rql.refusal"] = "lua/cloudblue/connect/rql/refusal.lua",
    ["cloudblue.connect.rql.text"] = "lua/cloudblue/connect/rql/text.lua",
    ["cloudblue.connect.rql.tree"] = "lua/cloudblue/connect/rql/tree.lua",
    ["cloudblue.connect.sandbox"] = "lua/cloudblue/connect/sandbox.lua",
    ["cloudblue.connect.sandbox.aggregates"] = "lua/cloudblue/connect/sandbox/aggregates.lua",
    ["cloudblue.connect.sandbox.chunks"] = "lua/cloudblue/connect/sandbox/chunks.lua",
    ["cloudblue.connect.sandbox.collection"] = "lua/cloudblue/connect/sandbox/collection.lua",
    ["cloudblue.connect.sandbox.content"] = "lua/cloudblue/connect/sandbox/content.lua",
    ["cloudblue.connect.sandbox.control"] = "lua/cloudblue/connect/sandbox/control.lua",
    ["cloudblue.connect.sandbox.delivery"] = "lua/cloudblue/connect/sandbox/delivery.lua",
    ["cloudblue.connect.sandbox.faults"] = "lua/cloudblue/connect/sandbox/faults.lua",
    ["cloudblue.connect.sandbox.fields"] = "lua/cloudblue/connect/sandbox/fields.lua",
    ["cloudblue.connect.sandbox.files"] = "lua/cloudblue/connect/sandbox/files.lua",
    ["cloudblue.connect.sandbox.filter"] = "lua/cloudblue/connect/sandbox/filter.lua",
    ["cloudblue.connect.sandbox.json"] = "lua/cloudblue/connect/sandbox/json.lua",
    ["cloudblue.connect.sandbox.listing"] = "lua/cloudblue/connect/sandbox/listing.lua",
    ["cloudblue.connect.sandbox.media"] = "lua/cloudblue/connect/sandbox/media.lua",
    ["cloudblue.connect.sandbox.misdelivery"] = "lua/cloudblue/connect/sandbox/misdelivery.lua",
    ["cloudblue.connect.sandbox.multipart"] = "lua/cloudblue/connect/sandbox/multipart.lua",
    ["cloudblue.connect.sandbox.options"] = "lua/cloudblue/connect/sandbox/options.lua",
    ["cloudblue.connect.sandbox.reconciliations"] = "lua/cloudblue/connect/sandbox/reconciliations.lua",
    ["cloudblue.connect.sandbox.records"] = "lua/cloudblue/connect/sandbox/records.lua",
    ["cloudblue.connect.sandbox.recordset"] = "lua/cloudblue/connect/sandbox/recordset.lua",
    ["cloudblue.connect.sandbox.reply"] = "lua/cloudblue/connect/sandbox/reply.lua",
    ["cloudblue.connect.sandbox.request"] = "lua/cloudblue/connect/sandbox/request.lua",
    ["cloudblue.connect.sandbox.reset"] = "lua/cloudblue/connect/sandbox/reset.lua",
    ["cloudblue.connect.sandbox.router"] = "lua/cloudblue/connect/sandbox/router.lua",
    ["cloudblue.connect.sandbox.routes"] = "lua/cloudblue/connect/sandbox/routes.lua",
    ["cloudblue.connect.sandbox.rql"] = "lua/cloudblue/connect/sandbox/rql.lua",
    ["cloudblue.connect.sandbox.rules"] = "lua/cloudblue/connect/sandbox/rules.lua",
    ["cloudblue.connect.sandbox.seed"] = "lua/cloudblue/connect/sandbox/seed.lua",
    ["cloudblue.connect.sandbox.server"] = "lua/cloudblue/connect/sandbox/server.lua",
    ["cloudblue.connect.sandbox.store"] = "lua/cloudblue/connect/sandbox/store.lua",
    ["cloudblue.connect.sandbox.thread"] = "lua/cloudblue/connect/sandbox/thread.lua",
    ["cloudblue.connect.sandbox.upload"] = "lua/cloudblue/connect/sandbox/upload.lua",
    -- Lua modules: end
  },
  install = {
    bin = {
      ["connect-usage"] = "bin/connect-usage",
    },
  },
}
