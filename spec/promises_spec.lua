-- What docs/promises.md promises is proved by tests that are there.

-- What the table of promises points at: { line=, path=, title=nil|string }.
local function readProofs(path)
  local proofs, number = {}, 0
  for line in io.lines(path) do
    number = number + 1
    local proof = line:match("^|.*| (`spec/.*) |$")
    local file
    for quote, text in (proof or ""):gmatch('([`"])(.-)%1') do
      if quote == "`" and text:find("^spec/") then
        file = text
        table.insert(proofs, { line = number, path = file })
      elseif quote == '"' then
        table.insert(proofs, { line = number, path = file, title = text })
      end
    end
  end
  return proofs
end

local function contents(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

describe("docs/promises.md", function()
  it("proves its promises by tests that are there", function()
    local proofs = readProofs("docs/promises.md")
    assert.is_true(#proofs >= 30, #proofs .. " proofs")
    for _, proof in ipairs(proofs) do
      local found = contents(proof.path):find(proof.title or "", 1, true)
      assert.is_truthy(found, ("line %d: %s has no test %q"):format(proof.line, proof.path, proof.title))
    end
  end)
end)
