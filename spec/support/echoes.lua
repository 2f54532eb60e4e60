--- Ways to write a text so that it can be read again, and how to find it in what was written in any of them: for the
--- specs of the key, which a service may echo.
---
---     for name, write in pairs(echoes.writers) do … write(secret) … end
---     echoes.holds(text, secret)     -- true where the text reads as one that has it

local echoes = {}

local function each(pattern)
  return function(text, write) return (text:gsub(pattern, write)) end
end

local all, special = each ".", each "[^%w]"

local function json(format)
  return function(character) return format:format(character:byte()) end
end

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&apos;" }

local function jsonText(text)
  return (text:gsub('["\\/]', "\\%0"):gsub("\t", "\\t"))
end

local function percent(text)
  return special(text, function(character) return ("%%%02X"):format(character:byte()) end)
end

local function html(text)
  return (text:gsub("[&<>\"']", ENTITIES))
end

--- Of codes above ASCII where a text is UTF-8.
local function codes(format)
  return function(text)
    local written = {}
    for _, code in utf8.codes(text) do written[#written + 1] = format:format(code) end
    return table.concat(written)
  end
end

---@type table<string, fun(text: string): string>
echoes.writers = {
  ["as it is"] = function(text) return text end,
  ["in JSON"] = jsonText,
  ["in JSON, every character by its code"] = codes "\\u%04x",
  ["in JSON, capital digits"] = codes "\\u%04X",
  ["in JSON, some characters by their codes"] = function(text) return (text:gsub("[%w]", json "\\u%04x", 2)) end,
  ["in JSON in JSON"] = function(text) return (jsonText(jsonText(text))) end,
  ["in JSON in JSON, by codes"] = function(text) return (codes "\\u%04x"(text):gsub("\\", "\\\\")) end,
  ["percent-encoded"] = percent,
  ["percent-encoded, small digits"] = function(text)
    return special(text, function(character) return ("%%%02x"):format(character:byte()) end)
  end,
  ["for a form"] = function(text) return (percent(text):gsub("%%20", "+")) end,
  ["percent-encoded, every byte"] = function(text)
    return all(text, function(character) return ("%%%02X"):format(character:byte()) end)
  end,
  ["percent-encoded twice"] = function(text) return percent(percent(text)) end,
  ["in HTML"] = html,
  ["in HTML, every character by its code"] = codes "&#%d;",
  ["in HTML, by hexadecimal codes"] = codes "&#x%x;",
  ["in HTML in JSON"] = function(text) return (html(text):gsub("&", "\\u0026")) end,
  ["percent-encoded JSON"] = function(text) return percent(jsonText(text)) end,
}

local NAMES = { amp = "&", lt = "<", gt = ">", quot = '"', apos = "'" }

local function fromCode(digits, base)
  local code = tonumber(digits, base)
  return code and code < 0x110000 and utf8.char(code) or nil
end

local readers = {
  function(text)
    return (text:gsub("\\(u?)(%x?%x?%x?%x?)", function(u, digits)
      if u == "u" and #digits == 4 then return fromCode(digits, 16) end
      return u .. digits
    end):gsub("\\(.)", "%1"))
  end,
  function(text) return (text:gsub("\\+t", "\t")) end,
  function(text)
    return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
  end,
  function(text) return (text:gsub("+", " ")) end,
  function(text)
    return (text:gsub("&#(%d+);", function(digits) return fromCode(digits, 10) end)
      :gsub("&#[xX](%x+);", function(digits) return fromCode(digits, 16) end)
      :gsub("&(%a+);", NAMES))
  end,
}

--- Whether the text holds the secret once it is read in some of these ways, one after another.
---@param text string
---@param secret string
---@return boolean
function echoes.holds(text, secret)
  local known, new = {}, { text }
  for _ = 1, 4 do
    local next = {}
    for _, one in ipairs(new) do
      if one:find(secret, 1, true) then return true end
      for _, read in ipairs(readers) do
        local other = read(one)
        if not known[other] then
          known[other] = true
          next[#next + 1] = other
        end
      end
    end
    new = next
  end
  return false
end

return echoes
