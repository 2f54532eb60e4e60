--- The actions of usage files.
---
--- What a file goes through:
---
---     draft → (uploading → uploaded → processing →) ready or invalid → pending → accepted → closed
---                                                                            ↘ rejected
---
--- An upload may be repeated until the file is submitted, and after a rejection.

local checks = require "cloudblue.connect.sandbox.api.checks"
local fileview = require "cloudblue.connect.sandbox.api.fileview"
local json = require "cloudblue.connect.sandbox.json"
local moment = require "cloudblue.connect.sandbox.data.moment"
local reply = require "cloudblue.connect.sandbox.http.reply"
local requests = require "cloudblue.connect.sandbox.http.request"
local seed = require "cloudblue.connect.sandbox.data.seed"

local fileactions = {}

local function set(...)
  local members = {}
  for _, word in ipairs { ... } do
    members[word] = true
  end
  return members
end

--- The states in which a file may still be changed.
fileactions.CHANGEABLE = set("draft", "invalid", "ready", "rejected")

--- The states of a file whose upload is being processed, by how many reads are left.
local UNDER_WAY = { "processing", "uploaded", "uploading" }

--- Refuses what the state of a file does not allow.
---@param file table
---@param allowed table<string, true>
---@param done string what it can't be otherwise, "changed"
---@return table? refusal
function fileactions.refusal(file, allowed, done)
  if allowed[file.status] then
    return nil
  end
  return reply.wrongState(string.format("Usage file %s can't be %s: its status is %s", file.id, done, file.status))
end

--- Judges an upload by its name and by whether it is there: spreadsheets are not read.
local function judge(store, file)
  local upload = store.uploads[file.id] and store.uploads[file.id].usage
  local good = upload and (upload.filename or ""):lower():match("%.xlsx$")
  file.status = good and "ready" or "invalid"
  file.error_detail = good and json.null or "The file is no XLSX spreadsheet"
  file.sub_status = "processed"
  if good then
    store.records:generate(file, store.options.uploadRecords, { "valid" })
  else
    store.records:drop(file)
  end
end

--- Counts a read of a file whose upload is being processed.
---@param store table
---@param file table
function fileactions.advance(store, file)
  if file.underWay then
    file.underWay = file.underWay - 1
    file.status = UNDER_WAY[math.min(file.underWay, #UNDER_WAY)]
    if file.underWay <= 0 then
      file.underWay = nil
      judge(store, file)
    end
  end
end

--- Keeps what was uploaded with a file; returns what the journal shows of it.
local function keep(store, file, name, upload)
  store.uploads[file.id] = store.uploads[file.id] or {}
  store.uploads[file.id][name] = upload
  return { size = upload.size, sha256 = upload.sha256 }
end

local function upload(store, file, sheet)
  local entry = keep(store, file, "usage", sheet)
  if store.options.uploadReads > 0 then
    file.underWay = store.options.uploadReads
    file.status = UNDER_WAY[math.min(file.underWay, #UNDER_WAY)]
    file.sub_status = "processing"
  else
    judge(store, file)
  end
  return entry
end

--- The actions. `from` are the states that allow one, and `done` is what a file can't be in another. It takes
--- a note (`note`, a member of the body) or a spreadsheet (`part`, of the form). Then the file gets the state
--- `to` and the event `event`, and `effect(store, file, sheet)` does the rest; it returns what the journal shows
--- besides. The service answers some actions with 201 (its description says 200).
local ACTIONS = {
  submit = { from = set("ready"), done = "submitted", to = "pending", event = "submitted", creates = true },
  accept = {
    from = set("pending"),
    done = "accepted",
    note = "acceptance_note",
    to = "accepted",
    event = "accepted",
    creates = true,
    effect = function(store, file)
      store.records:promote(file, "valid", "approved")
      store:makeChunks(file)
    end,
  },
  reject = {
    from = set("pending"),
    done = "rejected",
    note = "rejection_note",
    to = "rejected",
    event = "rejected",
    creates = true,
  },
  -- The file alone: its records and chunks are closed by themselves.
  close = { from = set("accepted"), done = "closed", to = "closed", event = "closed" },
  -- The file stays, as deleted; its records are gone.
  delete = {
    from = fileactions.CHANGEABLE,
    done = "deleted",
    to = "deleted",
    event = "deleted",
    effect = function(store, file)
      store.records:drop(file)
    end,
  },
  ["approve-all"] = {
    from = set("ready", "pending", "accepted"),
    done = "approved",
    hasNoBody = true,
    effect = function(store, file)
      return { count = store.records:promote(file, "valid", "approved") }
    end,
  },
  upload = {
    from = fileactions.CHANGEABLE,
    done = "uploaded",
    part = "usage_file",
    event = "uploaded",
    creates = true,
    effect = upload,
  },
  -- Judges the upload once more.
  reprocess = {
    from = set("invalid", "ready"),
    done = "reprocessed",
    hasNoBody = true,
    effect = function(store, file)
      if store.uploads[file.id] then
        judge(store, file)
      end
    end,
  },
  reconciliation = {
    from = set("accepted", "closed"),
    done = "reconciled",
    part = "recon_file",
    effect = function(store, file, sheet)
      return keep(store, file, "reconciliation", sheet)
    end,
  },
}

--- Reads what comes with an action: {note=} or {sheet=}.
local function read(request, action)
  if action.hasNoBody then
    return {}
  elseif action.part then
    local sheet, refusal = checks.spreadsheet(request.parts, action.part)
    return { sheet = sheet }, refusal
  end
  local value, refusal = requests.value(request, "object")
  refusal = refusal or action.note and checks.strings(value, { [action.note] = 200 })
  return { note = value and action.note and value[action.note] }, refusal
end

--- Carries an action out.
local function carryOut(store, request, name, action)
  local file, refusal = checks.find(store, "files", request.parameters.id)
  local given
  if file then
    given, refusal = read(request, action)
  end
  refusal = refusal or fileactions.refusal(file, action.from, action.done)
  if refusal then
    return refusal
  end
  file.status = action.to or file.status
  if action.event then
    file.events[action.event] = seed.event(moment.write())
  end
  if action.note then
    file[action.note] = given.note or json.null
  end
  local entry = action.effect and action.effect(store, file, given.sheet) or {}
  entry.action, entry.kind, entry.id, entry.status = name, "file", file.id, file.status
  if action.note then
    entry[action.note] = given.note
  end
  store:applied(entry, request.route)
  return (action.creates and reply.created or reply.ok)(fileview.detailed(store, request, file))
end

--- The handlers, one for each action: POST /usage/files/{id}/{action}, and PUT for approve-all.
fileactions.handlers = {}
for name, action in pairs(ACTIONS) do
  fileactions.handlers[name] = function(store, request)
    return carryOut(store, request, name, action)
  end
end

return fileactions
