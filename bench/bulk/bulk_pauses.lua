-- bulk_pauses.lua CONCURRENCY ENDPOINT COUNT : the time that so many records take at least, in batches of 100, so many
-- batches at once, with a service that takes 100 ms: nothing is sent.
local socket = require "socket"

local concurrency, count = tonumber(arg[1]), tonumber(arg[3])
local turns = math.ceil(count / 100 / concurrency)
local finish = socket.gettime() + 0.1 * turns
socket.sleep(finish - socket.gettime())
