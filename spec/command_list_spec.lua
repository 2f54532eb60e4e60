local commandline = require "spec.support.commandline"
local filters = require "cloudblue.connect.command.filters"
local scene = require "spec.support.scene"

teardown(scene.finish)

describe("connect-usage list", function()
  it("lists usage records as CSV that `close` takes when each has a billing id", function()
    local s <close> = scene.start()
    s.client.usageRecords:close("UR-2026-01-0000-0000-0000-0001", "B-1", "paid, twice")
    local printed, said, code = commandline.streams("list --limit 2", commandline.to(s.sandbox))
    assert.are.same({ [[
id,external_billing_id,external_billing_note,status,usage,start_date,end_date,item.id,item.name,asset.id,]]
      .. [[asset.external_id,product_id,usagefile.id
UR-2026-01-0000-0000-0000-0001,B-1,"paid, twice",closed,1.75,2026-01-01T00:00:00+00:00,2026-01-01T23:59:59+00:00,]]
      .. [[PRD-000-000-001-0001,Virtual machine,AS-0000-0000-0001,10000001,PRD-000-000-001,UF-2026-01-0000-0000
UR-2026-01-0000-0000-0000-0002,,,approved,2.75,2026-01-02T00:00:00+00:00,2026-01-02T23:59:59+00:00,]]
      .. [[PRD-000-000-001-0002,Object storage,AS-0000-0000-0002,10000002,PRD-000-000-001,UF-2026-01-0000-0000
]], "", 0 }, { printed, said, code })
  end)

  it("is a table on a terminal, or what it is told to be", function()
    local s <close> = scene.start()
    local function onTerminal(arguments)
      return assert(io.popen(("%s script -qec 'lua5.4 bin/connect-usage list --limit 1 %s' /dev/null")
        :format(commandline.to(s.sandbox), arguments)))
    end
    local csv <close> = onTerminal "--csv --columns id,status"
    local pipe <close> = onTerminal ""
    assert.are.equal("id,status\r", csv:read "l")
    assert.are.same({
      "id                              status    usage  external_billing_id",
      "UR-2026-01-0000-0000-0000-0001  approved  1.75",
    }, { pipe:read("l"):gsub("\r", ""), (pipe:read("l"):gsub("\r", "")) })
  end)

  it("names in --help every filter and ordering that there is", function()
    local help = (commandline.run "list --help"):gsub("%s+", " ")
    assert.is_truthy(help:find("Filters: " .. table.concat(filters.names "records", ", ") .. ".", 1, true))
    assert.is_truthy(help:find("Orderings: " .. table.concat(filters.orderings "records", ", ") .. ".", 1, true))
  end)
end)
