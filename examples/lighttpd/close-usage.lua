-- A script of lighttpd's mod_magnet that closes a usage record: POST /close/RECORD?BILLING-ID.
--
--     server.modules += ( "mod_magnet" )
--     $HTTP["url"] =~ "^/close/" { magnet.attract-raw-url-to = ( "…/close-usage.lua" ) }
--
-- A worker of lighttpd does nothing else while a script runs, and no script can wait in its loop. So the deadline of a
-- call is how long this worker serves nobody at worst: it is short here, and what is not known then is asked for later.
--
-- Endpoint and key come from CONNECT_ENDPOINT and CONNECT_API_KEY.

-- luacheck: globals lighty
local DEADLINE <const> = 1 -- second

local request = lighty.r.req_attr
local id = request["uri.path"]:match("^/close/([^/]+)$")
if not id then return 404 end
if request["request.method"] ~= "POST" then return 405 end

-- Each worker has its own, with connections that are kept. It has to outlive the request, as what is in _G does.
_G.client = _G.client or require("cloudblue.connect").ConnectClient { deadline = DEADLINE }

-- What to tell whoever asked, by what happened to the record.
local STATUS <const> = { unsent = 503, rejected = 409, unknown = 504 }

local bill = request["uri.query"]
local chunk, failure = _G.client.usageRecords:close(id, bill ~= "" and bill or nil)
lighty.r.resp_header["Content-Type"] = "text/plain"
lighty.r.resp_body:set(tostring(chunk or failure) .. "\n")
return chunk and 200 or STATUS[failure.outcome]
