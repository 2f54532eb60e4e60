--- Debian's Prosody in a folder of its own, with modules of ours, for the specs of its loop.
---
---     prosody.run { folder = folder, modules = { "loopcases" }, environment = "A='b'" }   -- until it ends by itself

local prosody = {}

local CONFIGURATION <const> = [[
run_as_root = true
daemonize = false
pidfile = "$FOLDER/prosody.pid"
data_path = "$FOLDER"
certificates = "$FOLDER"
plugin_paths = { $PATHS }
log = { { levels = { min = "info" }, to = "file", filename = "$FOLDER/prosody.log" } }
network_backend = "$BACKEND"
modules_enabled = { $MODULES }
modules_disabled = { "c2s", "s2s", "s2s_auth_certs", "tls", "offline" }
$SETTINGS
VirtualHost "localhost"
]]

local function quotedList(list)
  local quoted = {}
  for i, value in ipairs(list) do quoted[i] = ("%q"):format(value) end
  return table.concat(quoted, ", ")
end

-- What runs a host in the place of the system: valgrind with its options, or nothing.
local HOST <const> = os.getenv "TEST_HOST" or ""
local SLOWNESS <const> = tonumber(os.getenv "TEST_SLOWNESS") or 1

-- Seconds after which one that does not end is ended.
local PATIENCE <const> = 60 * SLOWNESS

--- Runs Prosody until it ends by itself.
---@param options { folder: Folder, modules: string[], paths: string[], environment: string, backend: string?, settings:
--- string? } paths: the folders where its modules are; settings: further lines of its configuration
---@return string log what it wrote there, and what it printed
---@return boolean ended whether it ended by itself, and well
function prosody.run(options)
  local folder = options.folder
  local values = {
    FOLDER = folder.root,
    PATHS = quotedList(options.paths),
    MODULES = quotedList(options.modules),
    BACKEND = options.backend or "epoll",
    SETTINGS = options.settings or "",
  }
  local path = folder:write("prosody.cfg.lua", (CONFIGURATION:gsub("%$(%u+)", values)))
  local command = "%s timeout -k 5 %d %s lua5.4 \"$(command -v prosody)\" -F --config '%s' >'%s' 2>&1 </dev/null"
  local ended = os.execute(command:format(options.environment, PATIENCE, HOST, path, folder:path("printed")))
  return (folder:read("prosody.log") or "") .. folder:read("printed"), ended == true
end

return prosody
