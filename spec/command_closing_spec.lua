local closing = require "cloudblue.connect.command.closing"
local folders = require "spec.support.folder"
local sandbox = require "cloudblue.connect.sandbox"

-- spec/command_close_spec.lua runs it as a process; here is what it returns, and that it leaves nothing behind.
describe("what close does", function()
  local sb, folder

  setup(function() sb = assert(sandbox.start { records = 10 }) end)
  teardown(function() sb:stop() end)

  before_each(function() folder = folders.make() end)
  after_each(function() folder:stop() end)

  local function given(text)
    folder:write("key", sb.apiKey .. "\n")
    assert(os.execute("chmod 600 " .. folder:path "key"))
    return {
      file = folder:write("a.csv", text), endpoint = sb.endpoint, apiKeyFile = folder:path "key", quiet = true,
      dryRun = true, arguments = {},
    }
  end

  it("returns its exit code, or a problem and the exit code", function()
    assert.are.same({ 0 }, { closing.run(given "id,external_billing_id\nUR-1,B-1\n") })
    local options = given "id\n,\n"
    local problem = options.file .. ", line 2, column 1: there are 2 fields, and 1 in the header. Nothing was sent"
    assert.are.same({ nil, problem, 2 }, { closing.run(options) })
    options = given "id,external_billing_id\nUR-1,B-1\n"
    options.apiKeyFile = folder:path "none"
    assert.are.equal(2, (select(3, closing.run(options))))
  end)

  it("closes its input and its client", function()
    for _, text in ipairs { "id,external_billing_id\nUR-1,B-1\n", "id\n,\n" } do
      local options = given(text)
      closing.run(options)
      collectgarbage()
      assert.are.equal(0, folder:descriptors())
    end
  end)
end)
