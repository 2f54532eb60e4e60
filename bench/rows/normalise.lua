-- What it costs to make integers integers: the decoding of a page of records with it and without it, nothing sent.
-- The second pair has an integer of 17 digits in every record, which lua-cjson alone would not read rightly.

local BUILD = os.getenv("BUILD") or "build"

local server = require "bench.server"

local PLAIN, LONG = BUILD .. "/bench/plain.json", BUILD .. "/bench/long.json"

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
end

write(PLAIN, server.page(0))
write(LONG, (server.page(0):gsub('"multiplier":1', '"multiplier":12345678901234567')))

local function command(how, page)
  return ("%s/bench/normalise %s '%s'"):format(BUILD, how, page)
end

return {
  title = "Decoding records, with integers made integers and without",
  unit = "record",
  count = 500000,
  requests = 0,
  few = 5000,
  many = 25000,
  programs = {
    { name = "lua-cjson alone", command = command("plain", PLAIN), instrument = true },
    { name = "with integers", command = command("ours", PLAIN), instrument = true },
    { name = "alone, long integers", command = command("plain", LONG), instrument = true },
    { name = "with long integers", command = command("ours", LONG), instrument = true },
  },
  limits = {},
}
