--- A page of documentation, run as a reader follows it: from top to bottom, in one shell.
---
--- The fences tell what the blocks of a page are for:
---
---   ```sh       is typed into the shell; all blocks of a page into the same one
---   ```lua      is a script that the shell's lua5.4 runs
---   ```text     is what the block above it prints; an ellipsis (…) stands for anything within a line
---   ```console  is only looked at: it needs root, the network, or more time than a spec has
---   ```c        is a part of a program in examples/
---
--- A block below a line that ends with "as `NAME`:" is saved under that name; a block of the shell runs it.

local folders = require "spec.support.folder"

local page = {}

---@class Block
---@field line integer of its first line of code
---@field kind string what the fence says
---@field code string
---@field name string? of the file that it is saved as
---@field section string the heading above it
---@field expected string? what it prints, where the page says so

local KINDS <const> = { sh = true, lua = true, text = true, console = true, c = true, json = true }

-- Has a block of text belong to the block above it, and appends any other.
local function append(blocks, block)
  block.code, block.lines = table.concat(block.lines, "\n") .. "\n", nil
  assert(KINDS[block.kind], ("line %d: a block of an unknown kind, '%s'"):format(block.line, block.kind))
  if block.kind ~= "text" then return table.insert(blocks, block) end
  local above = blocks[#blocks]
  assert(above and not above.expected, ("line %d: no block prints this"):format(block.line))
  above.expected = block.code
end

--- Reads the blocks of a page.
---@param text string Markdown
---@return Block[]
function page.blocks(text)
  local blocks, block, above, section, number = {}, nil, "", "", 0
  for line in text:gmatch("([^\n]*)\n") do
    number = number + 1
    local fence = line:match("^```(.*)$")
    if fence and block then
      append(blocks, block)
      block = nil
    elseif fence then
      local name = above:match("as `([^`]+)`:$")
      block, above = { line = number + 1, kind = fence, lines = {}, name = name, section = section }, ""
    elseif block then
      table.insert(block.lines, line)
    elseif line ~= "" then
      above, section = line, line:match("^#+ (.*)$") or section
    end
  end
  assert(not block, "a block does not end")
  return blocks
end

-- The text without its fenced blocks.
local function prose(text)
  local lines, fenced = {}, false
  for line in text:gmatch("([^\n]*)\n") do
    local isFence = line:find("^```") ~= nil
    if not fenced and not isFence then table.insert(lines, line) end
    if isFence then fenced = not fenced end
  end
  return table.concat(lines, "\n") .. "\n"
end

--- Reads the links of a page that lead to another page or place of the project.
---@param text string Markdown
---@return {path: string, anchor: string?}[] links path: as it is written, "" for a place in the page itself
function page.links(text)
  local links = {}
  for target in prose(text):gsub("`[^`\n]*`", ""):gmatch("%]%(([^()%s]+)%)") do
    if not target:find("^%a[%w+.-]*:") then
      local path, anchor = target:match("^([^#]*)#?(.*)$")
      table.insert(links, { path = path, anchor = anchor ~= "" and anchor or nil })
    end
  end
  return links
end

--- Reads the places that a link can lead to: headings in lower case, without punctuation, a hyphen for each blank.
---@param text string Markdown
---@return table<string, boolean> anchors
function page.anchors(text)
  local anchors = {}
  for heading in ("\n" .. prose(text)):gmatch("\n#+ ([^\n]*)") do
    anchors[(heading:lower():gsub("[^%w%s_\x80-\xff-]", ""):gsub("%s", "-"))] = true
  end
  return anchors
end

--- Whether what a block printed is what the page says.
---@param expected string
---@param printed string
---@return boolean
function page.prints(expected, printed)
  local pattern = expected:gsub("%p", "%%%0"):gsub("…", "[^\n]*")
  return printed:find("^" .. pattern .. "$") ~= nil
end

local function quoted(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- What the shell does for a block; nil where it is not run. `file` has the block's code.
local function command(block, code, file)
  if block.name then return ("cp %s %s\n"):format(quoted(file), quoted(block.name)) end
  if block.kind == "sh" then return code end
  if block.kind == "lua" then return ("lua5.4 %s\n"):format(quoted(file)) end
  return nil
end

-- Waits until somebody listens at the port: a reader is slower than the server that he has just started.
local WAIT <const> = [[
local socket = require "cqueues.socket"
for _ = 1, 200 do
  local peer = socket.connect("127.0.0.1", tonumber(arg[1]))
  if pcall(peer.connect, peer, 1) then os.exit() end
  require("cqueues").sleep(0.05)
end
os.exit(false)
]]

-- The script of a page. What a block prints goes to a file, and there is a second file when it succeeded. The first
-- block that fails ends the script, and with it what runs in the background.
local function script(blocks, port, folder)
  local jobs, wait = quoted(folder:path("jobs")), quoted(folder:write("wait.lua", WAIT))
  local parts = { "set -e\n", ("trap 'jobs -p >%s; kill $(cat %s) 2>/dev/null || :; wait' EXIT\n"):format(jobs, jobs) }
  for _, block in ipairs(blocks) do
    local code = block.code:gsub("8080", ("%d"):format(port))
    local what = command(block, code, folder:write(("line-%d.lua"):format(block.line), code))
    if what then
      if code:find "&%s*\n" then what = what .. ("lua5.4 %s %d\n"):format(wait, port) end
      table.insert(parts, ("{\n%s} >%s 2>&1\n: >%s\n"):format(what,
        quoted(folder:path(block.line .. ".printed")), quoted(folder:path(block.line .. ".done"))))
    end
  end
  return table.concat(parts)
end

-- PATH without the folders that have the command: the reader's shell has yet to find it.
local function clean(path)
  return (path:gsub("([^:]+):?", function(entry)
    local file <close> = io.open(entry .. "/connect-usage")
    return file and "" or nil
  end))
end

--- Follows a page: everything that its blocks of the shell say, its scripts among it.
---@param blocks Block[]
---@param options {root: string, port: integer, seconds: number?} root: the folder where the shell starts; port: a free
---  one, which stands for the page's 8080; seconds: at most so long
---@return table<integer, {printed: string, done: boolean}> results by line; nothing for a block that was not reached
function page.follow(blocks, options)
  local folder <close> = folders.make()
  folder:write("page.sh", script(blocks, options.port, folder))
  os.execute(("cd %s && env -i PATH=%s HOME=%s LANG=C.UTF-8 timeout -k 5 %d sh %s >%s 2>&1 </dev/null"):format(
    quoted(options.root), quoted(clean(os.getenv("PATH"))), quoted(folder.root), options.seconds or 300,
    quoted(folder:path("page.sh")), quoted(folder:path("shell"))))
  local results = {}
  for _, block in ipairs(blocks) do
    local printed = folder:read(block.line .. ".printed")
    if printed then
      results[block.line] = {
        printed = printed:gsub("%f[%d]" .. options.port .. "%f[%D]", "8080") .. folder:read("shell"),
        done = folder:read(block.line .. ".done") ~= nil,
      }
    end
  end
  return results
end

return page
