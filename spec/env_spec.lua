-- tools/env.sh, behind `eval "$(make -s env)"`: the shell finds the built tree, and keeps what it found before.

local function output(command)
  local pipe <close> = assert(io.popen(command .. " 2>&1"))
  return (pipe:read("a"):gsub("\n$", ""))
end

local ROOT = output("pwd")
local OURS = { path = ROOT .. "/lua/?.lua", cpath = ROOT .. "/build/lib/?.so" }

-- A shell with only these variables evaluates what env.sh prints, and then runs a command. Returns what that prints.
local function after(variables, command)
  local words = { 'env -i PATH="$PATH" LUA=lua5.4' }
  for name, value in pairs(variables) do table.insert(words, ("%s='%s'"):format(name, value)) end
  return output(("%s sh -c 'eval \"$(sh tools/env.sh)\" && %s'"):format(table.concat(words, " "), command))
end

-- The templates of package.path or package.cpath in such a shell.
local function templates(name, variables)
  local list = {}
  for each in after(variables, ('lua5.4 -e "print(package.%s)"'):format(name)):gmatch("[^;]+") do
    table.insert(list, each)
  end
  return list
end

local function position(list, template)
  for i, each in ipairs(list) do
    if each == template then return i end
  end
  return nil
end

-- The place of Lua's default path: where it stands in a Lua that has no variable set.
local function default(name)
  return output(([[env -i "$(command -v lua5.4)" -e "print(package.%s)"]]):format(name)):match("[^;]+")
end

describe("make env", function()
  for name, variable in pairs { path = "LUA_PATH", cpath = "LUA_CPATH" } do
    it(("puts the built tree first in package.%s and keeps Lua's default"):format(name), function()
      local list = templates(name, {})
      assert.equal(1, position(list, OURS[name]))
      assert.is_truthy(position(list, default(name)))
      assert.is_nil(after({}, ('lua5.4 -e "print(package.%s)"'):format(name)):find(";;", 1, true))
    end)

    for _, versioned in ipairs { variable, variable .. "_5_4" } do
      it(("adds to the user's %s"):format(versioned), function()
        local list = templates(name, { [versioned] = "/opt/one/?.lua;;/opt/two/?.lua" })
        assert.equal(1, position(list, OURS[name]))
        assert.is_true(position(list, "/opt/one/?.lua") < position(list, default(name)))
        assert.is_true(position(list, default(name)) < position(list, "/opt/two/?.lua"))
      end)

      it(("adds no default to a %s that has none"):format(versioned), function()
        local list = templates(name, { [versioned] = "/opt/one/?.lua" })
        assert.is_truthy(position(list, "/opt/one/?.lua"))
        assert.is_nil(position(list, default(name)))
      end)

      it(("takes a %s that is empty, or begins or ends with ;;"):format(versioned), function()
        local list = templates(name, { [versioned] = "" })
        assert.equal(1, position(list, OURS[name]))
        assert.is_nil(position(list, default(name)))
        for _, value in ipairs { ";;/opt/one/?.lua", "/opt/one/?.lua;;" } do
          list = templates(name, { [versioned] = value })
          assert.equal(1, position(list, OURS[name]))
          assert.is_truthy(position(list, "/opt/one/?.lua"))
          assert.is_truthy(position(list, default(name)))
        end
      end)
    end

    it(("takes the user's %s_5_4 rather than the %s, as Lua does"):format(variable, variable), function()
      local list = templates(name, { [variable] = "/opt/one/?.lua", [variable .. "_5_4"] = "/opt/two/?.lua" })
      assert.is_nil(position(list, "/opt/one/?.lua"))
      assert.is_truthy(position(list, "/opt/two/?.lua"))
    end)

    it(("leaves %s, which other versions of Lua read, as it was"):format(variable), function()
      assert.equal("/opt/one/?.lua", after({ [variable] = "/opt/one/?.lua" }, ('echo "$%s"'):format(variable)))
    end)
  end

  it("puts the command on PATH", function()
    assert.equal(ROOT .. "/bin/connect-usage", after({}, "command -v connect-usage"))
  end)

  it("carries a quotation mark and a blank through", function()
    local list = output([[LUA_PATH_5_4="/opt/it's a/?.lua" LUA=lua5.4 sh -c ']]
      .. [[eval "$(sh tools/env.sh)" && lua5.4 -e "print(package.path)"']])
    assert.is_truthy(list:find("/opt/it's a/?.lua", 1, true))
  end)
end)
