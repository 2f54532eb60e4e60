-- The server of the benchmark: an nginx with one worker that answers on loopback: to a close the closed record,
-- fixed but for its id, to a walk pages of records.
-- It is stopped by run.sh, which knows its pid file whatever happens here.

local certs = require "spec.support.certs"
local socket = require "socket"

local server = {}
server.__index = server

-- A closed usage record of the size and shape that Connect answers with; 936 bytes.
server.RECORD = '{"id":"UR-2026-01-0000-0001-0001","usagefile":{"id":"UF-2026-01-0000-0001","name":"January usage",'
  .. '"status":"accepted"},"product":{"id":"PRD-276-377-545","name":"My Product"},"asset":{"id":"AS-146-621-424-4",'
  .. '"external_id":"3466577810","external_uid":"e4cc9f2e-8bd0-4d6f-a1fd-5b9e9b7f1a3c"},"start_date":'
  .. '"2026-01-01T00:00:00+00:00","end_date":"2026-02-01T00:00:00+00:00","product_id":"PRD-276-377-545",'
  .. '"external_billing_id":"BILL-77","external_billing_note":"January run","item":{"id":"PRD-276-377-545-0003",'
  .. '"name":"Storage","mpn":"MPN-STO-1","unit":"GB","precision":"decimal(4)"},"category":"general","tier":2,'
  .. '"amount":128.4375,"multiplier":1,"usage":42.125,"status":"closed","closed_at":"2026-02-03T09:41:27+00:00",'
  .. '"closed_by":"SU-829-966-028","params":[{"parameter_name":"region","parameter_value":"eu-central"}],'
  .. '"resource_local_id":"SKU_STORAGE","asset_external_id":"3466577810",'
  .. '"asset_external_uid":"e4cc9f2e-8bd0-4d6f-a1fd-5b9e9b7f1a3c"}'

---The same record under another id: what a close of that one is answered.
---@param id string
---@return string json
function server.closed(id)
  return (server.RECORD:gsub("^{\"id\":\"[^\"]+\"", ('{"id":"%s"'):format(id)))
end

-- What a walk goes through: so many records, in pages of so many, which come from so many files in turn.
local TOTAL <const>, PAGE <const>, FILES <const> = 1000000, 1000, 10

local CONFIGURATION = [[
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
worker_processes 1;
pid pid;
error_log error.log;
events { worker_connections 1024; }
http {
  default_type application/json;
  types { }
  include ranges.conf;
  access_log off;
  etag off;
  max_ranges 0;
  keepalive_timeout 3600;
  keepalive_requests 1000000000;
  client_body_buffer_size 1m;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {
    listen 127.0.0.1:PORT;
    include answers.conf;
    location = /counters { stub_status; }
  }
  # The same over TLS: a connection takes any number of requests, or as many as nginx lets it by default.
  ssl_certificate CERTIFICATE;
  ssl_certificate_key SECRET;
  server {
    listen 127.0.0.1:TLS ssl http2;
    include answers.conf;
  }
  server {
    listen 127.0.0.1:ENDING ssl http2;
    keepalive_requests 1000;
    include answers.conf;
  }
  # The same on a second port, with the length of every request written down.
  log_format lengths $request_length;
  server {
    listen 127.0.0.1:LOGGED;
    include answers.conf;
    access_log lengths.log lengths;
  }
}
]]

local ANSWERS = [[
location ~ ^/public/v1/usage/records/(?<id>[^/]+)/close$ {
  if ($request_method != POST) { return 405; }
  if ($http_authorization != "ApiKey SU-000-000-000:secret") { return 401; }
  if ($content_type != "application/json") { return 415; }
  return 200 'RECORD';
}
location ~ ^(?<slow>/slow)?/public/v1/usage/records/close-records$ {
  if ($request_method != POST) { return 405; }
  if ($http_authorization != "ApiKey SU-000-000-000:secret") { return 401; }
  if ($content_type != "application/json") { return 415; }
  content_by_lua_block { CLOSE_ALL }
}
location ~ ^/public/v1/usage/records/(?<id>[^/]+)$ {
  return 200 'OPEN';
}
location = /public/v1/usage/records {
  if ($request_method != GET) { return 405; }
  if ($http_authorization != "ApiKey SU-000-000-000:secret") { return 401; }
  if ($arg_limit != PAGE) { return 400; }
  if ($range = "") { return 400; }
  rewrite ^ /page-$page.json last;
}
location ~ ^/page- {
  internal;
  root .;
  add_header Content-Range $range;
}
]]

-- Answers a batch: every record of the request's body is closed. In LuaJIT; after 100 ms where that is asked for.
local CLOSE_ALL <const> = [[
  ngx.req.read_body()
  local reply = ngx.req.get_body_data():gsub('"external_billing_id":"[^"]*"',
    '"status":"closed","error_codes":"","error_details":""')
  if ngx.var.slow ~= "" then ngx.sleep(0.1) end
  ngx.status = 206
  ngx.header.content_length = #reply
  ngx.print(reply)
]]

-- The page that begins at an offset: what its Content-Range says, and which file it comes from.
local function ranges()
  local lines = {
    "map_hash_max_size 8192;",
    "map $arg_offset $page { default 0; ~(?<file>\\d)000$ $file; }",
    'map $arg_offset $range { default "";',
  }
  for offset = 0, TOTAL - PAGE, PAGE do
    table.insert(lines, ('  %d "items %d-%d/%d";'):format(offset, offset, offset + PAGE - 1, TOTAL))
  end
  return table.concat(lines, "\n") .. "\n}\n"
end

---A page of records like RECORD, each with ids and amounts of its own.
---@param number integer which one, from 0
---@return string json
function server.page(number)
  local records = {}
  for i = 1, PAGE do
    local place = number * PAGE + i
    local own = {
      ["UR-2026-01-0000-0001-0001"] = ("UR-2026-01-0000-0001-%06d"):format(place),
      ["e4cc9f2e"] = ("%08x"):format(place * 40503),
      ["3466577810"] = ("%d"):format(3466000000 + place),
      ["128.4375"] = ("%.4f"):format(place * 0.1875),
      ["42.125"] = ("%d"):format(place % 977),
    }
    records[i] = server.RECORD:gsub("[%w.-]+", function(word) return own[word] end)
      :gsub("e4cc9f2e", own["e4cc9f2e"])
  end
  return "[" .. table.concat(records, ",") .. "]"
end

local function freePort()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return port
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

local function endpoint(port, scheme)
  return ("%s://127.0.0.1:%d/public/v1"):format(scheme or "http", port)
end

--- An absolute path, for nginx has a folder of its own.
local function absolute(path)
  local pipe <close> = assert(io.popen(("realpath '%s'"):format(path)))
  return pipe:read("l")
end

---Starts the server; it listens when this returns.
---@param directory string where its files go
---@return table server `endpoint`, `loggedEndpoint`, `tlsEndpoint` and `endingEndpoint` (over TLS; a connection of the
---latter takes 1,000 requests), `counters()`, `bytes()`
function server.start(directory)
  assert(os.execute(("mkdir -p '%s'"):format(directory)))
  local port, logged, tls, ending = freePort(), freePort(), freePort(), freePort()
  local made = certs.make()
  write(directory .. "/nginx.conf", (CONFIGURATION:gsub("%f[%w]%u%u%u+%f[%W]", {
    PORT = port, LOGGED = logged, TLS = tls, ENDING = ending, CERTIFICATE = absolute(made.good.cert),
    SECRET = absolute(made.good.key),
  })))
  write(directory .. "/answers.conf", (ANSWERS:gsub("%u%u%u[%u_]+", {
    RECORD = server.closed("$id"), PAGE = PAGE, CLOSE_ALL = CLOSE_ALL,
    OPEN = server.closed("$id"):gsub('"closed"', '"approved"'),
  })))
  write(directory .. "/ranges.conf", ranges())
  for number = 0, FILES - 1 do write(("%s/page-%d.json"):format(directory, number), server.page(number)) end
  write(directory .. "/lengths.log", "")
  -- nginx goes to the background only after it has bound its ports.
  local command = "d=$(cd '%s' && pwd) && PATH=$PATH:/usr/sbin nginx -p \"$d\" -e error.log -c nginx.conf"
  assert(os.execute(command:format(directory)), "nginx did not start")
  return setmetatable({
    port = port,
    endpoint = endpoint(port),
    loggedEndpoint = endpoint(logged),
    tlsEndpoint = endpoint(tls, "https"),
    endingEndpoint = endpoint(ending, "https"),
    lengths = directory .. "/lengths.log",
  }, server)
end

---The length of the last request to `loggedEndpoint`.
---@return integer bytes
function server:bytes()
  local last
  for line in io.lines(self.lengths) do last = line end
  return assert(math.tointeger(tonumber(last)))
end

---How many connections and requests there have been; asking is one of each.
---@return { connections: integer, requests: integer }
function server:counters()
  local connection = assert(socket.connect("127.0.0.1", self.port))
  connection:send("GET /counters HTTP/1.0\r\n\r\n")
  local text = assert(connection:receive("*a"))
  connection:close()
  local connections, _, requests = text:match("requests%s+(%d+) (%d+) (%d+)")
  return { connections = math.tointeger(tonumber(connections)), requests = math.tointeger(tonumber(requests)) }
end

return server
