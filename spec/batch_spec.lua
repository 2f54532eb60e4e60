-- core.closeBatch: one request to the bulk route, and what comes back.

local core = require "cloudblue.connect.core"
local service = require "spec.support.service"

local misuse, reply = service.misuse, service.reply
local ENTRIES = { { id = "UR-1" } }
local CLOSED = '[{"id":"UR-1","status":"closed"}]'

describe("closeBatch", function()
  it("returns true and the reply where all is closed", function()
    local s <close> = service.answering(reply(206, CLOSED))
    local closed, answer = core.closeBatch(s.records, ENTRIES, { retries = 0 })
    assert.is_true(closed)
    assert.same({ 206, 1 }, { answer.status, answer.attempts })
  end)

  -- Any of these may be to a request that was carried out.
  for what, text in pairs {
    empty = "", ["no JSON"] = "<html>", ["an object"] = "{}", ["the word true"] = "true", ["a word"] = '"closed"',
    ["cut off"] = CLOSED:sub(1, -2),
  } do
    it("does not know what became of it where the reply is " .. what, function()
      local s <close> = service.answering(reply(206, text))
      local value, failure = core.closeBatch(s.records, ENTRIES)
      assert.is_nil(value)
      assert.same({ "decode", "unknown" }, { failure.kind, failure.outcome })
      assert.equal(1, #s:requests())
    end)
  end

  it("sends a batch once, whatever is left in doubt", function()
    local s <close> = service.answering(reply(500, "{}"), { retries = 3 })
    local value, failure = core.closeBatch(s.records, ENTRIES)
    assert.same({ nil, "unknown", 500 }, { value, failure.outcome, failure.status })
    assert.equal(1, #s:requests())
    assert.equal("POST", failure.method)
    assert.matches("/public/v1/usage/records/close%-records$", failure.url)
  end)

  it("takes the limits of a call, and refuses others, before anything is sent", function()
    local s <close> = service.answering(reply(206, CLOSED))
    assert.matches("unknown option 'timeuot'; the nearest known one is 'timeout'", misuse(function()
      core.closeBatch(s.records, ENTRIES, { timeuot = 1 })
    end))
    assert.matches("bad argument #2 to 'closeBatch' %(entry 2: id is empty%)", misuse(function()
      core.closeBatch(s.records, { { id = "UR-1" }, { id = "" } })
    end))
    assert.matches("entry 1: must be a table", misuse(function() core.closeBatch(s.records, { 7 }) end))
    assert.same({}, s:requests())
  end)
end)
