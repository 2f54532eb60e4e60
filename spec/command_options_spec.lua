local argparse = require "argparse"
local options = require "cloudblue.connect.command.options"

-- What a kind of argument makes of a text: the value, or nil and the problem.
local function read(kind, text)
  local parser = argparse "command"
  function parser.error(_, problem) error(problem, 0) end
  options.add(parser, "--option", "An option.", "ARGUMENT", kind)
  local done, result = pcall(parser.parse, parser, { "--option=" .. text })
  if not done then return nil, result end
  return result.option
end

describe("an option", function()
  for kind, texts in pairs {
    count = { ["0"] = 0, ["12"] = 12, ["1e3"] = 1000 },
    number = { ["1"] = 1, ["64"] = 64 },
    port = { ["0"] = 0, ["65535"] = 65535 },
    positive = { ["0.5"] = 0.5, ["200"] = 200 },
    seconds = { ["0.5"] = 0.5, ["3600"] = 3600 },
    retries = { ["0"] = 0, ["1000"] = 1000 },
    file = { ["a b"] = "a b" },
    url = { ["https://x"] = "https://x" },
    command = { ["cat key"] = "cat key" },
    key = { ["ApiKey SU-1:x"] = "ApiKey SU-1:x" },
    address = { ["::1"] = "::1" },
  } do
    it("takes a " .. kind, function()
      for text, value in pairs(texts) do assert.are.same({ text, value }, { text, read(kind, text) }) end
    end)
  end

  for kind, case in pairs {
    count = { "a count", "-1", "1.5", "x", "" },
    number = { "an integer, 1 or more", "0", "-1", "1.5", "x", "" },
    port = { "a port from 0 to 65535", "-1", "65536", "x", "" },
    positive = { "a number, more than 0", "0", "-1", "inf", "1e999", "x", "" },
    seconds = { "a number of seconds", "0", "-1", "nan", "1e999", "x", "" },
    retries = { "a count up to 1000", "1001", "-1", "" },
    file = { "a file", "" },
    url = { "a URL", " " },
    command = { "a command", "" },
    key = { "a key", "", "  " },
    address = { "an address", "", "\t" },
  } do
    it("says that it must be " .. case[1], function()
      for index = 2, #case do
        assert.are.same({ nil, ("--option must be %s, not '%s'"):format(case[1], case[index]) },
          { read(kind, case[index]) })
      end
    end)
  end
end)

describe("an option with a short name", function()
  it("says by its long one what it must be", function()
    local parser = argparse "command"
    options.add(parser, "-o --output", "An option.", "FILE", "file")
    assert.are.same({ false, "--output must be a file, not ''" }, { parser:pparse { "-o", "" } })
    assert.are.equal("a", parser:parse({ "-o", "a" }).output)
  end)
end)

describe("an argument that is a file", function()
  it("is not empty", function()
    local parser = argparse "command"
    options.file(parser:argument "file", "FILE")
    assert.are.equal("a b", parser:parse({ "a b" }).file)
    assert.are.same({ false, "FILE must be a file, not ' '" }, { parser:pparse { " " } })
  end)
end)

describe("an argument that is an id", function()
  local parser = argparse "command"
  options.ids(parser:argument "id")

  it("is one as the module takes it", function()
    for _, id in ipairs { "UR-2026-01-0000-0000-0000-0001", "a", "%2F", "...", ("x"):rep(255) } do
      assert.are.equal(id, parser:parse({ id }).id)
    end
    for _, id in ipairs { "", ".", "..", "a/b", "a b", "é", ("x"):rep(256) } do
      assert.are.same({ false, ("'%s' is no id"):format(id) }, { parser:pparse { id } })
    end
    assert.are.same({ false, "'a?' is no id" }, { parser:pparse { "a\27" } })
  end)
end)
