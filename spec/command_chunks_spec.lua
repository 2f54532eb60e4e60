local commandline = require "spec.support.commandline"
local filters = require "cloudblue.connect.command.filters"
local scene = require "spec.support.scene"

teardown(scene.finish)

local ID <const> = "UFC-2026-01-0000-0000-001"

describe("connect-usage chunks", function()
  local s
  before_each(function() s = scene.start() end)
  after_each(function() s:stop() end)

  local function chunks(arguments) return commandline.streams("chunks " .. arguments, commandline.to(s.sandbox)) end

  it("lists chunks", function()
    s.client.usageChunks:close(ID, "B-1")
    assert.are.same({ [[
id,external_billing_id,external_billing_note,status,usagefile.id,usagefile.name,binding.hub.id,provider.id
UFC-2026-01-0000-0000-001,B-1,,closed,UF-2026-01-0000-0000,"Usage of January, part 1",HB-0000-0000,PA-000-000
]], "", 0 }, { chunks "--where status=closed" })
    assert.are.same({ "id\n" .. ID .. "\n", "", 0 }, { chunks("--columns id --where id=" .. ID) })
  end)

  it("shows those whose ids are given", function()
    local printed, said, code = chunks(ID)
    assert.are.same({ "", 0 }, { said, code })
    assert.is_truthy(printed:find("^id                      " .. ID:gsub("%-", "%%-") .. "\n"))
    assert.is_truthy(printed:find("\nstatus                  ready\n", 1, true))
    assert.are.equal(1, select(3, chunks "UFC-none"))
  end)

  it("takes ids or the options of a list", function()
    for option, argument in pairs {
      ["--where"] = "status=ready", ["--limit"] = "1", ["--order"] = "usagefile.id", ["--columns"] = "id",
      ["--csv"] = "", ["--any-filter"] = "",
    } do
      assert.are.same({ "", ("connect-usage: %s goes with a list, not with ids\n"):format(option), 2 },
        { chunks(("%s %s %s"):format(ID, option, argument)) })
    end
  end)

  it("names in --help every filter and ordering that there is", function()
    local help = (commandline.run "chunks --help"):gsub("%s+", " ")
    assert.is_truthy(help:find("Filters: " .. table.concat(filters.names "chunks", ", ") .. ".", 1, true))
    assert.is_truthy(help:find("Orderings: " .. table.concat(filters.orderings "chunks", ", ") .. ".", 1, true))
  end)
end)
