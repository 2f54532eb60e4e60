---@meta cloudblue.connect

-- Annotations for editors (LuaCATS, as lua-language-server reads them) and the reference of the module. Nothing loads
-- this file at run time. spec/meta_spec.lua compares it with the module.
--
-- Holds for every call that goes to the service:
--   * It waits until the call is over; `timeout`, `deadline` and `retries` bound that.
--   * Misuse (a wrong type, an empty id, a closed client) raises an error that names the argument's position, and
--     nothing is sent. Running out of memory raises. Everything else is returned as `nil, failure`.
--   * An error that one of your own functions raises (a hook, a reader, a sink, onProgress) ends the call and is passed
--     on as it is. What was sent by then may have taken effect.
--   * A change (POST, PUT) that the service answers by a 2xx without a body returns true where a table is promised. Where
--     a chunk is promised, the reply has to be one.
--   * An id is 1 to 255 bytes of visible ASCII without "/", and neither "." nor "..". It becomes one segment of the
--     path, percent-encoded.
--
-- "API" below is CloudBlue's description of Connect's usage part, version 37.0.

---@class cloudblue.connect
---@field null lightuserdata JSON null, the same value as lua-cjson's `cjson.null`
---@field R cloudblue.connect.R where a condition begins: `connect.R.status:eq("approved")`
---@field _VERSION string the module's version, such as `0.1.0`
local connect = {}

-- ---------------------------------------------------------------- limits and options

---How long a call may take and how often it may be tried.
---@class cloudblue.connect.Limits
---@field timeout number? seconds for one attempt, the name lookup included (60)
---@field connectTimeout number? seconds until the connection is made, TLS included (10)
---@field deadline number? seconds for the whole call: attempts, pauses, confirmation (300)
---@field retries integer? further attempts after the first, 0 to 1000 (3); 0 turns confirmation off, too

---@class cloudblue.connect.ClientOptions: cloudblue.connect.Limits
---Bytes of a reply's body that are accepted, counted after decompression (64 MiB). A download to a file or a function
---is not bounded.
---@field maxResponseBytes integer?
---@field maxConnections integer? connections open at once (64)
---Offers HTTP/2 to the service, over TLS: calls at once then share a connection (false).
---@field http2 boolean?
---@field proxy string? URL of a proxy; else the usual environment variables count (`https_proxy`, `no_proxy`, …)
---@field caFile string? PEM file of the authorities to trust, instead of the system's
---@field caPath string? folder of such files
---@field clientCert string? PEM file of the client's certificate
---@field clientKey string? PEM file of its key
---Lets the endpoint be `http:` elsewhere than on a loopback address. The key can then be read on the way.
---@field allowPlainHttp boolean?
---Sent with every request; not those that the module writes itself (Authorization, Content-Type, Host, …).
---@field headers table<string, string>?
---@field userAgent string? added to the module's own

---@class cloudblue.connect.ClientSettings: cloudblue.connect.ClientOptions
---@field endpoint string? see `connect.ConnectClient`
---@field apiKey string? see `connect.ConnectClient`

---@class cloudblue.connect.RequestOptions: cloudblue.connect.Limits
---@field query cloudblue.connect.Filter? what stands behind `?`
---@field body table? sent as JSON
---@field headers table<string, string>? sent with this request
---@field raw boolean? returns the reply's bytes instead of what they mean

---@class cloudblue.connect.TransferOptions: cloudblue.connect.Limits
---Called now and then with the bytes so far and, where it is known, how many there will be.
---@field onProgress fun(done: integer, total: integer?)?

---@class cloudblue.connect.rql.Options
---Field names, each with an optional sign: `-created_time`. The service refuses (400) one that it does not document:
---usage records can be ordered by `created_time`, `status` and `usage_start_time`, none of which is unique.
---@field ordering string|string[]?
---@field select string|string[]? what to add (`+items`) or leave out (`-items`)
---@field limit integer? at most so many entries, up to 1000
---@field offset integer? how many matches to leave out at the start

---@class cloudblue.connect.AllOptions: cloudblue.connect.rql.Options
---@field limit integer? entries of a page, 1 to 1000 (100)
---@field backwards boolean? from the last match to the first; see `GenericResource:all`

-- ---------------------------------------------------------------- what comes back

---What a reply says besides its body.
---@class cloudblue.connect.Reply
---@field status integer HTTP status
---@field headers table<string, string> names in lower case; the key is masked where the service echoes it
---@field attempts integer how many times the call was tried

---What went wrong.
---@alias cloudblue.connect.Kind
---| "api" # a status that refuses, with the API's error object
---| "http" # any other status that refuses, a redirect included: none is followed
---| "record" # a bulk reply says that the record was not closed, or it is closed under another billing id
---| "transport" # no usable reply: name, connection, TLS, timeout, reset, truncated, too large
---| "decode" # a 2xx reply that can't be read, or does not answer what was asked
---| "cancelled" # the client was closed, or the deadline passed
---| "file" # a local file can't be read or written
---| "ledger" # a ledger can't be read or written, or is another list's; with errorCode "locked" another run has it

---What happened to the billing data. A read changes nothing: it is `unsent` or `rejected`.
---@alias cloudblue.connect.Outcome
---| "unsent" # the request never left
---| "rejected" # the service refused it; nothing changed
---| "unknown" # it may have taken effect, and this could not be found out

---A call that did not succeed. `tostring` returns one line, such as
---`POST /usage/records/UR-1/close: 400 VAL_001: it is closed`. `error(failure)` and `assert(nil, failure)` work.
---@class cloudblue.connect.Failure
---@field kind cloudblue.connect.Kind
---@field outcome cloudblue.connect.Outcome
---@field message string what went wrong, in words; the key is masked in it
---@field method string HTTP method; a failure of kind `ledger` has neither this nor the next three
---@field url string the whole URL of the call
---@field path string the URL without the endpoint
---@field attempts integer how many times the call itself was tried
---@field status integer? HTTP status, where a whole reply came
---@field errorCode string? `error_code` of the API's error object, such as `VAL_001`
---@field errors any[]? its `errors`
---@field retryAfter number? seconds that the service asked to wait
---@field confirmation cloudblue.connect.Confirmation? the result of the last confirming GET

---The result of the GET that was to confirm a close.
---@class cloudblue.connect.Confirmation
---@field attempts integer how many times the record was read
---@field status integer? HTTP status, where a whole reply came
---@field message string what it says, or why there is no reply
---@field errorCode string? as in a failure
---@field errors any[]? as in a failure

---What a hook gets of a request. A table of its own for each hook: changing it changes nothing.
---@class cloudblue.connect.HookRequest
---@field method string
---@field url string
---@field attempt integer 1 for the first
---@field confirming boolean true for a confirming GET
---@field headers table<string, string> those that the module sets; Authorization is `***`
---@field body string? JSON text

---What a hook gets of a reply, or of its absence.
---@class cloudblue.connect.HookResponse
---@field method string
---@field url string
---@field attempt integer
---@field confirming boolean
---@field status integer? absent where no whole reply came
---@field headers table<string, string>? names in lower case
---@field body string? its bytes; empty for a download to a file or a function
---@field error string? why no whole reply came

---A list's conditions: a condition of `connect.R`; a table such as `{ status = "approved", created_time = { ["$gt"] = T } }`,
---read as the JavaScript SDK reads its filter objects, with operators `$eq $ne $gt $gte $lt $lte $like $ilike $in $out
---$range $not $and $or`; or a query that is ready, such as `eq(status,approved)`. nil, `""` and `{}` are no filter.
---
---A condition that you write is never left out, as the list would be longer than asked for: `connect.null` is RQL's
---`null()` and `""` its `empty()`; an empty list or table where a condition should stand raises an argument error, and
---so does a table whose metatable may hold more. A key whose value is nil is not there for Lua: with `wanted` nil,
---`{ status = wanted }` is no filter at all, while `R.status:eq(wanted)` raises.
---
---A ready query is given without its `?`, percent-encoded; what a URL can't carry of it, such as `|`, `"` and letters
---beyond ASCII, is encoded. A space, a control character, `#`, a `%` that begins no encoding and an empty condition
---(`a=1&&b=2`) raise. Its own `limit` and `offset` go with `search` and `request` only; `all`, `first` and `count`
---write theirs. Write alternatives as `(a|b|c)`: the service reads `or(a,b,c)` as a, or both b and c.
---
---A misspelled field is no error: the service leaves out what it does not know, and the list is longer than asked for.
---@alias cloudblue.connect.Filter cloudblue.connect.Condition|table<string, any>|string

---Where a file to be uploaded comes from: its path (a regular file, opened anew for each attempt and sent as long as it
---is then; when it vanishes or becomes shorter the call fails with kind `file`); a name and its bytes; a name and a
---function, or just a function, a reader, that returns the bytes piece by piece and nil at the end (called while the
---upload is in flight; such an upload is not tried again once the reader has returned bytes).
---@alias cloudblue.connect.Source string|cloudblue.connect.NamedSource|fun(): string?

---A file to be uploaded under a name: its bytes, or a function that returns them; one of the two.
---@class cloudblue.connect.NamedSource
---@field name string as it is sent to the service
---@field content string? all of its bytes
---@field reader (fun(): string?)? returns piece after piece, and nil at the end

---Where a download goes: nil for the bytes as a string; a path of a regular file, there or not, written beside the
---target and renamed when whole; a function, a sink, that is called with piece after piece (the next piece comes when it
---returns; once it was called, the download is not tried again).
---@alias cloudblue.connect.Target string|fun(bytes: string)|nil

-- ---------------------------------------------------------------- the module

---Makes a client. Nothing is sent yet.
---
---Without an endpoint that of `CONNECT_ENDPOINT` in the environment is taken, else the public one,
---`https://api.connect.cloudblue.com/public/v1`; without a key that of `CONNECT_API_KEY`. The first argument may be a
---table that holds everything: `ConnectClient { endpoint = …, apiKey = …, retries = 5 }`.
---
---Raises an argument error for an endpoint that is no `https:` URL (`http:` only to a loopback address, unless
---`allowPlainHttp`), for a key with control characters, for an unknown option, and for a missing key.
---@param endpoint (string|cloudblue.connect.ClientSettings)? URL
---@param apiKey string? sent as Authorization, as it is: `ApiKey SU-…:…`
---@param options cloudblue.connect.ClientOptions?
---@return cloudblue.connect.ConnectClient client
function connect.ConnectClient(endpoint, apiKey, options) end

---A collection of the API. Raises an argument error for a path that does not begin with `/` or that has a query.
---@param client cloudblue.connect.ConnectClient
---@param baseUri string path below the endpoint, such as `/subscriptions/assets`
---@return cloudblue.connect.GenericResource
function connect.GenericResource(client, baseUri) end

---The usage records; the same object as `client.usageRecords`.
---@param client cloudblue.connect.ConnectClient
---@return cloudblue.connect.UsageRecordResource
function connect.UsageRecordResource(client) end

---The chunks of usage files; the same object as `client.usageChunks`.
---@param client cloudblue.connect.ConnectClient
---@return cloudblue.connect.UsageChunkResource
function connect.UsageChunkResource(client) end

---The usage files; the same object as `client.usageFiles`.
---@param client cloudblue.connect.ConnectClient
---@return cloudblue.connect.UsageFileResource
function connect.UsageFileResource(client) end

---The usage aggregates; the same object as `client.usageAggregates`.
---@param client cloudblue.connect.ConnectClient
---@return cloudblue.connect.UsageAggregateResource
function connect.UsageAggregateResource(client) end

---The usage reconciliations; the same object as `client.usageReconciliations`.
---@param client cloudblue.connect.ConnectClient
---@return cloudblue.connect.UsageReconciliationResource
function connect.UsageReconciliationResource(client) end

-- ---------------------------------------------------------------- the client

---A connection to Connect. `local client <close> = …` closes it at the end of the block. It belongs to the Lua state
---that made it.
---@class cloudblue.connect.ConnectClient
---@field endpoint string the URL it was given
---@field usageRecords cloudblue.connect.UsageRecordResource
---@field usageChunks cloudblue.connect.UsageChunkResource
---@field usageFiles cloudblue.connect.UsageFileResource
---@field usageAggregates cloudblue.connect.UsageAggregateResource
---@field usageReconciliations cloudblue.connect.UsageReconciliationResource
local ConnectClient = {}

---Sends a request. The primitive under all other calls, for what they don't cover.
---
---GET, PUT and DELETE are tried again after a failure; POST and PATCH only where the request surely had no effect.
---The value is what the JSON of a 2xx reply means, true where it has no body, and its bytes with the option `raw`.
---@param method "GET"|"POST"|"PUT"|"PATCH"|"DELETE"
---@param path string below the endpoint, begins with `/`, without a query
---@param options cloudblue.connect.RequestOptions?
---@return any value nil with a failure
---@return cloudblue.connect.Reply|cloudblue.connect.Failure reply beside nil, the failure
function ConnectClient:request(method, path, options) end

---Any collection of the API, as `connect.GenericResource(client, path)`.
---@param path string below the endpoint, such as `/subscriptions/assets`
---@return cloudblue.connect.GenericResource
function ConnectClient:resource(path) end

---Adds a function that is called before each request is sent, confirming reads and further attempts included.
---@param hook fun(request: cloudblue.connect.HookRequest)
function ConnectClient:addBeforeRequestHook(hook) end

---Adds a function that is called after each request, whatever came of it.
---@param hook fun(response: cloudblue.connect.HookResponse)
function ConnectClient:addAfterResponseHook(hook) end

---Runs a function for many items, at most so many at once; returns an iterator over the results, in the order of
---completion: `for item, chunk, failure in client:parallel(16, items, fn) do … end`.
---
---Each function runs in a coroutine. While a call of its waits, the others run; it may use every call, several clients,
---and `parallel` itself. A call in one of your own functions that the module calls (hooks, readers, sinks,
---onProgress), and in a coroutine that the function makes, blocks; what else is in flight goes on.
---
---An error that the function raises ends the loop, with its traceback where it is a string. Then, and after a `break`,
---every function ends where it stands: what is in flight is cancelled, though it may have reached the service, and
---nothing more is sent.
---@param limit integer how many run at once, 1 or more; `maxConnections` of the client bounds the connections
---@param items any[]|fun(): any a list, or an iterator, of whose values the first counts; read as needed
---@param fn fun(item: any): ... what it returns comes behind the item
---@return fun(): ... iterator
function ConnectClient:parallel(limit, items, fn) end

---A host's loop, as the client sees it: see docs/loops.md.
---@class cloudblue.connect.Loop
---Calls `onReadable()` whenever the descriptor is readable; returns a function that ends that, which is called before the
---descriptor is closed. Calls are watched only while some wait.
---@field watch fun(fd: integer, onReadable: fun()): fun()
---What stands for the running coroutine; nil where it can't be suspended: the call then blocks.
---@field token fun(): any
---Suspends the running coroutine until it is woken. It may return earlier; an error that it raises ends the call.
---@field park fun(token: any)
---Lets the coroutine go on, now or later. It may come before `park`, and more than once.
---@field wake fun(token: any)

---A loop for a host that can only sleep, made by `require "cloudblue.connect.loop.polling"(sleep, longest)`: `sleep` is
---the host's function, `longest` the seconds that a waiting call sleeps at most before it looks again (0.01). The other
---loops that come with the module are tables: `require "cloudblue.connect.loop.cqueues"`, `.luv` and `.prosody`.
---@class cloudblue.connect.PollingLoop: cloudblue.connect.Loop
---@field spawn fun(main: fun()) has a function run as a coroutine by `step` and `run`
---@field step fun(): boolean does what is due, without sleeping; false when every coroutine is over
---@field run fun() steps and sleeps until every coroutine is over; raises what one raises

---Makes the calls of this client wait through a host's loop, where they would block. A client that is attached already
---is detached first.
---@param loop cloudblue.connect.Loop
function ConnectClient:attach(loop) end

---Ends that. Calls that wait are woken; as soon as their coroutines go on, they block.
function ConnectClient:detach() end

---For a loop that waits for descriptors: this one is readable whenever `step` has something to do, the client's own
---timeouts and pauses included. It stays the client's. Raises where the system has no descriptor left.
---@return integer fd
function ConnectClient:pollfd() end

---Does what is due, and wakes whose calls can go on. It blocks only where `seconds` says how long. An error of the
---loop's `wake` is raised when all are woken.
---@param seconds number? the longest to wait (0)
function ConnectClient:step(seconds) end

---Closes the connections. Calls in flight end as `cancelled`; later ones raise. May be called again.
function ConnectClient:close() end

-- ---------------------------------------------------------------- collections

---A collection of the API.
---@class cloudblue.connect.GenericResource
---@field baseUri string its path below the endpoint
---@field client cloudblue.connect.ConnectClient
local GenericResource = {}

---Reads one object: GET `{baseUri}/{id}`.
---@param id string
---@param options cloudblue.connect.Limits? of this call
---@return table? object
---@return cloudblue.connect.Failure? failure beside nil
function GenericResource:get(id, options) end

---Creates an object: POST `{baseUri}`. Not tried again where it may have taken effect: the outcome is then `unknown`.
---
---Raises an argument error, which names the place, for what JSON can't carry: a cycle, a function, NaN, a list with
---holes, a text that is not UTF-8, a number with more digits than lua-cjson writes.
---@param object table what becomes the JSON body
---@param options cloudblue.connect.Limits? of this call
---@return table|true|nil object as the service has it now
---@return cloudblue.connect.Failure? failure beside nil
function GenericResource:create(object, options) end

---Changes an object: PUT `{baseUri}/{id}`.
---@param id string
---@param object table see `create`
---@param options cloudblue.connect.Limits? of this call
---@return table|true|nil object as the service has it now
---@return cloudblue.connect.Failure? failure beside nil
function GenericResource:update(id, object, options) end

---Deletes an object: DELETE `{baseUri}/{id}`.
---@param id string
---@param options cloudblue.connect.Limits? of this call
---@return true? done
---@return cloudblue.connect.Failure? failure beside nil
function GenericResource:delete(id, options) end

---Reads one page of a list: GET `{baseUri}?{query}`. Without a `limit` the service decides how many entries come. The
---total stands in the reply's `content-range`: `items 0-99/1234`.
---@param filters cloudblue.connect.Filter?
---@param options cloudblue.connect.rql.Options?
---@param callOptions cloudblue.connect.Limits? of this call
---@return table[]? list
---@return cloudblue.connect.Reply|cloudblue.connect.Failure reply beside nil, the failure
function GenericResource:search(filters, options, callOptions) end

---Iterates over every match of every page: `for record in records:all { status = "approved" } do … end`.
---
---A page is asked for when its first entry is wanted and let go before the next one, so that memory stays that of a
---page. Pages are asked for by their place in the list, so a walk of several pages meets every match once only where the
---list has one order and nothing changes it. Usage records have no unique order: ties (those of one file share their
---times) come in another order with each request, and a walk, forwards or backwards, can miss some entries and meet
---others twice. A list of up to 1000 matches comes whole with `limit = 1000`.
---
---What leaves the list shifts the pages not yet read: a loop that closes approved records while it lists approved
---records misses as many after each page as it closed on it. With `backwards = true` the walk goes from the last match
---to the first, and what the loop takes out shifts only what was read already. Where every entry that it meets leaves
---the list, and nothing else changes it, every match is met once, in whatever order ties come. Else walk again, until a
---walk takes nothing more out. A service that returns no total can't be walked backwards.
---
---The iterator raises the failure itself where a page can't be had, and one of kind `decode` where the service
---contradicts itself (another page than the one asked for, none though it says that there are more, the same one again
---and again): the walk then never ends as if it were whole. Called again, it asks for the same page again.
---@param filters cloudblue.connect.Filter?
---@param options cloudblue.connect.AllOptions?
---@param callOptions cloudblue.connect.Limits? of the call for each page: the deadline is a page's, not the walk's
---@return fun(): table? next the next entry, nil after the last
function GenericResource:all(filters, options, callOptions) end

---Reads the first match: one request for one entry.
---@param filters cloudblue.connect.Filter? the limit of a filter table does not count
---@param options cloudblue.connect.rql.Options? `ordering`, `select`, `offset`
---@param callOptions cloudblue.connect.Limits? of this call
---@return table? entry nil, with nothing beside it, where nothing matches
---@return cloudblue.connect.Reply|cloudblue.connect.Failure? reply beside nil, the failure
function GenericResource:first(filters, options, callOptions) end

---Counts the matches: one request that asks for no entries.
---@param filters cloudblue.connect.Filter? only its conditions count
---@param callOptions cloudblue.connect.Limits? of this call
---@return integer? total
---@return cloudblue.connect.Failure? failure beside nil; also where the service does not report the total
function GenericResource:count(filters, callOptions) end

---Does something with an object: POST `{baseUri}/{id}/{name}`. Not tried again where it may have taken effect.
---@param id string
---@param name string the action's segment of the path, such as `approve`
---@param body table? see `create`
---@param options cloudblue.connect.Limits? of this call
---@return table|true|nil object what the reply holds
---@return cloudblue.connect.Failure? failure beside nil
function GenericResource:action(id, name, body, options) end

---The collection below an object: `{baseUri}/{id}/{name}`.
---@param id string
---@param name string such as `rules` of `/products/PRD-000-000-001/usage/rules`
---@return cloudblue.connect.GenericResource
function GenericResource:collection(id, name) end

-- ---------------------------------------------------------------- usage records

---Usage records: `/usage/records`.
---@class cloudblue.connect.UsageRecordResource: cloudblue.connect.GenericResource
local UsageRecordResource = {}

---Closes a record, that is, reports to Connect that the consumption was billed: POST `/usage/records/{id}/close` (API).
---
---Carried out once: where an attempt may have taken effect, the record is read before anything is sent again, and where
---that does not settle it either the failure's outcome is `unknown`.
---@param id string of the record
---@param externalBillingId string? your number of the billing; not empty; nil leaves it out
---@param externalBillingNote string? nil leaves it out
---@param options cloudblue.connect.Limits? of this call
---@return cloudblue.connect.UsageChunk? chunk the closed record; `confirmed` where a later read showed it
---@return cloudblue.connect.Failure? failure beside nil; kind `record` where it is closed under another billing id
function UsageRecordResource:close(id, externalBillingId, externalBillingNote, options) end

---Closes a record by the bulk route: POST `/usage/records/close-records` (API). Where the service answers 404 or 405,
---by the JavaScript SDK's route `/usage/records/{id}/close-records`; the client remembers which one the service knows.
---Carried out once, as `close`.
---@param id string? of the usage file; only the second route needs it
---@param recordId string of the record
---@param externalBillingId string? as for `close`
---@param externalBillingNote string?
---@param options cloudblue.connect.Limits? of this call
---@return cloudblue.connect.UsageChunk? chunk from the bulk route it has `id` and `status` only
---@return cloudblue.connect.Failure? failure beside nil; kind `record` where the reply says that it was not closed
function UsageRecordResource:closeRecords(id, recordId, externalBillingId, externalBillingNote, options) end

---Finds out whether a record is closed as `close` with the same arguments would have closed it: GET
---`/usage/records/{id}` (API). It changes nothing.
---@param id string
---@param externalBillingId string? nil: closed without one, and with the note
---@param externalBillingNote string?
---@param options cloudblue.connect.Limits?
---@return cloudblue.connect.UsageChunk|false|nil chunk false where the record is not closed
---@return cloudblue.connect.Failure? failure beside nil; kind `record` where it is closed by another call
function UsageRecordResource:settle(id, externalBillingId, externalBillingNote, options) end

---An entry of a list of records to be closed.
---@class cloudblue.connect.Entry
---@field id string of the record
---@field external_billing_id string? not empty
---@field external_billing_note string?

---What became of a run. `read` is the sum of the five below it.
---@class cloudblue.connect.Summary
---@field read integer entries that were read
---@field closed integer closed by this run
---@field already integer closed before, under the entry's billing id (without one, its note)
---@field refused integer not closed: refused by the service, or closed by somebody else
---@field unknown integer that could not be found out
---@field notTried integer not sent, or surely not carried out, because the run was stopped
---@field repeated integer entries beside those that were the same record again, to be closed in the same way
---@field stopped "maxRefused"|"maxDuration"|"denied"|"service"|"stopped"|"ledger"|"closed"|nil why the run ended early
---@field failure cloudblue.connect.Failure? what stopped it: 401 or 403 (denied), that the service can't be had, or what is
---wrong with the ledger
---@field ledger cloudblue.connect.LedgerCounts? with the option `ledger`: what became of the whole list, whichever run did it

---How many entries of a ledger have each outcome. `total` is the sum of those below it.
---@class cloudblue.connect.LedgerCounts
---@field total integer
---@field closed integer
---@field already integer
---@field refused integer
---@field unknown integer
---@field notTried integer a run was stopped before it sent them
---@field open integer no run has taken them yet
---@field sent integer in the hands of a run, or of one that was killed: the next one reads them before it sends them

---@class cloudblue.connect.ClosingOptions: cloudblue.connect.Limits
---@field batchSize integer? entries of a request (100); halved where the service finds it too large, or is slow
---@field concurrency integer? requests at once (4)
---@field maxRefused integer? stops when more are refused: many refusals mean a wrong list or a wrong key
---@field maxDuration number? seconds after which no batch is begun any more
---@field perSecond number? entries sent in a second, at most
---@field onResult fun(entry: cloudblue.connect.Entry, outcome: string, what: any)? `what` is the chunk, or the failure
---@field onProgress fun(summary: cloudblue.connect.Summary): boolean? after each batch; false stops the run
---@field shouldStop fun(): boolean? asked before each batch: true stops the run
---@field ledger string? a file, or `postgres://…`, that keeps the list and what became of it: a run that was killed is
---taken up where it stood. It belongs to one list, endpoint and account
---@field lease number? seconds (600) after which another worker takes over a batch from a shared ledger, unless it is done

---Closes many records by the bulk route, several batches at once. What the reply to a batch leaves in doubt is found out
---by reading each of its records, and only those found open are sent again. Where the service has no bulk route, the
---records are closed one by one. In a task or a host's loop it does not block.
---
---A list is checked whole before anything is sent. An iterator is read as needed; what is wrong with an entry of its is
---raised when the batches that were begun are finished. The same record twice is sent once where both are alike, and an
---error where not; of an iterator this is known only as long as the first is not done.
---
---With a ledger the entries, an iterator's too, are written there and checked before anything is sent; the summary is of
---this run, and `summary.ledger` of the whole list. What an earlier run left in doubt is read before it is sent again.
---@param entries cloudblue.connect.Entry[]|(fun(): cloudblue.connect.Entry?)|nil nil: those that the ledger holds
---@param options cloudblue.connect.ClosingOptions?
---@return cloudblue.connect.Summary? summary
---@return cloudblue.connect.Failure? failure beside nil; kind `ledger`: it can't be opened, or belongs to another list,
---endpoint or account (errorCode `mismatch`); with errorCode `locked` another run has it. Nothing was sent
function UsageRecordResource:closeMany(entries, options) end

---Calls a function for every match of a list, once, where the function makes matches leave the list: the front is read
---again and again, until nothing new comes. Raises the failure where the list can't be had.
---@param filters cloudblue.connect.Filter? conditions
---@param fn fun(record: table): any true for what has left the list
---@param limits cloudblue.connect.Limits? of each call
---@return integer left how many fn returned true for
---@return integer stays how many it did not
function UsageRecordResource:drain(filters, fn, limits) end

-- ---------------------------------------------------------------- chunks

---Chunks of usage files, a part of the file for each hub: `/usage/chunks`.
---@class cloudblue.connect.UsageChunkResource: cloudblue.connect.GenericResource
local UsageChunkResource = {}

---Reads a chunk: GET `/usage/chunks/{id}` (API).
---@param id string
---@param options cloudblue.connect.Limits? of this call
---@return cloudblue.connect.UsageChunk? chunk
---@return cloudblue.connect.Failure? failure beside nil
function UsageChunkResource:get(id, options) end

---Changes a chunk: PUT `/usage/chunks/{id}` (API: `external_id`).
---@param id string
---@param object table see `GenericResource:create`
---@param options cloudblue.connect.Limits? of this call
---@return cloudblue.connect.UsageChunk? chunk
---@return cloudblue.connect.Failure? failure beside nil
function UsageChunkResource:update(id, object, options) end

---Closes a chunk: POST `/usage/chunks/{id}/close` (API, which wants a billing id). Carried out once, as
---`UsageRecordResource:close`.
---@param id string
---@param externalBillingId string? not empty; nil leaves it out
---@param externalBillingNote string? nil leaves it out
---@param options cloudblue.connect.Limits? of this call
---@return cloudblue.connect.UsageChunk? chunk
---@return cloudblue.connect.Failure? failure beside nil
function UsageChunkResource:close(id, externalBillingId, externalBillingNote, options) end

---Downloads the chunk's spreadsheet: GET `/usage/chunks/{id}/download` (API).
---@param id string
---@param to cloudblue.connect.Target
---@param options cloudblue.connect.TransferOptions?
---@return string|integer|nil bytes XLSX; with a target, how many bytes went there
---@return cloudblue.connect.Failure? failure beside nil; kind `file` where the target can't be written
function UsageChunkResource:download(id, to, options) end

---Has the chunk's spreadsheet made anew: POST `/usage/chunks/{id}/regenerate` (API).
---@param id string
---@param options cloudblue.connect.Limits? of this call
---@return cloudblue.connect.UsageChunk? chunk
---@return cloudblue.connect.Failure? failure beside nil
function UsageChunkResource:regenerate(id, options) end

---A closed record or a chunk, as the service sent it. `chunk.FIELD` is a field of the reply, with JSON null as nil;
---`pairs(chunk)` walks the fields; methods win over fields of the same name. Its methods act on what it came from: on the
---record where a method of `usageRecords` returned it, on the chunk where one of `usageChunks` did. `download` and
---`regenerate` of a record raise. It keeps its client alive.
---@class cloudblue.connect.UsageChunk
---@field data table the reply as a plain table, null as `connect.null`; decoded when it is first looked into
---@field raw string the reply's bytes
---@field confirmed boolean? true where the close got no usable reply and a later read showed that it had taken effect
---@field id string
---@field status string
---@field external_billing_id string?
---@field external_billing_note string?
---@field [string] any any other field of the reply
local UsageChunk = {}

---As `close` of the collection that it came from, with its id.
---@param externalBillingId string?
---@param externalBillingNote string?
---@param options cloudblue.connect.Limits? of this call
---@return cloudblue.connect.UsageChunk? chunk another object; this one stays as it is
---@return cloudblue.connect.Failure? failure beside nil
function UsageChunk:close(externalBillingId, externalBillingNote, options) end

---As `UsageChunkResource:download` with this chunk's id.
---@param to cloudblue.connect.Target
---@param options cloudblue.connect.TransferOptions?
---@return string|integer|nil bytes
---@return cloudblue.connect.Failure? failure beside nil
function UsageChunk:download(to, options) end

---As `UsageChunkResource:regenerate` with this chunk's id.
---@param options cloudblue.connect.Limits? of this call
---@return cloudblue.connect.UsageChunk? chunk
---@return cloudblue.connect.Failure? failure beside nil
function UsageChunk:regenerate(options) end

---Reads the record or the chunk again.
---@param options cloudblue.connect.Limits? of this call
---@return cloudblue.connect.UsageChunk? chunk another object; this one stays as it is
---@return cloudblue.connect.Failure? failure beside nil
function UsageChunk:refresh(options) end

-- ---------------------------------------------------------------- usage files

---Usage files: `/usage/files`.
---@class cloudblue.connect.UsageFileResource: cloudblue.connect.GenericResource
local UsageFileResource = {}

---Accepts a usage file: POST `/usage/files/{id}/accept` (API).
---@param id string
---@param note string? the acceptance note; nil leaves it out
---@param options cloudblue.connect.Limits? of this call
---@return table|true|nil file as the service has it now
---@return cloudblue.connect.Failure? failure beside nil
function UsageFileResource:accept(id, note, options) end

---Approves all records of a usage file: PUT `/usage/files/{id}/approve-all` (API).
---@param id string
---@param options cloudblue.connect.Limits? of this call
---@return table|true|nil file
---@return cloudblue.connect.Failure? failure beside nil
function UsageFileResource:approveAll(id, options) end

---Closes a usage file: POST `/usage/files/{id}/close` (API). The outcome of a lost reply is `unknown`.
---@param id string
---@param options cloudblue.connect.Limits? of this call
---@return table|true|nil file
---@return cloudblue.connect.Failure? failure beside nil
function UsageFileResource:close(id, options) end

---Deletes a usage file: POST `/usage/files/{id}/delete` (API), not the DELETE of other collections.
---@param id string
---@param options cloudblue.connect.Limits? of this call
---@return table|true|nil file
---@return cloudblue.connect.Failure? failure beside nil
function UsageFileResource:delete(id, options) end

---Has a usage file processed anew: POST `/usage/files/{id}/reprocess` (API).
---@param id string
---@param options cloudblue.connect.Limits? of this call
---@return table|true|nil file
---@return cloudblue.connect.Failure? failure beside nil
function UsageFileResource:reprocess(id, options) end

---Submits a usage file: POST `/usage/files/{id}/submit` (API).
---@param id string
---@param options cloudblue.connect.Limits? of this call
---@return table|true|nil file
---@return cloudblue.connect.Failure? failure beside nil
function UsageFileResource:submit(id, options) end

---Rejects a usage file: POST `/usage/files/{id}/reject` (API).
---@param id string
---@param note string? the rejection note; nil leaves it out
---@param options cloudblue.connect.Limits? of this call
---@return table|true|nil file
---@return cloudblue.connect.Failure? failure beside nil
function UsageFileResource:reject(id, note, options) end

---Uploads the spreadsheet of a usage file: POST `/usage/files/{id}/upload`, part `usage_file` (API). Streamed: the file
---does not stand in memory.
---@param id string
---@param file cloudblue.connect.Source
---@param options cloudblue.connect.TransferOptions?
---@return table|true|nil file as the service has it now
---@return cloudblue.connect.Failure? failure beside nil; kind `file` and outcome `unsent` where the path can't be read
function UsageFileResource:upload(id, file, options) end

---Uploads a reconciliation of a usage file: POST `/usage/files/{id}/reconciliation`, part `recon_file` (API).
---@param id string
---@param file cloudblue.connect.Source
---@param options cloudblue.connect.TransferOptions?
---@return table|true|nil file
---@return cloudblue.connect.Failure? failure beside nil
function UsageFileResource:reconciliation(id, file, options) end

---Reads the categories of a usage file: GET `/usage/files/{id}/categories` (API).
---@param id string
---@param options cloudblue.connect.Limits? of this call
---@return table[]? categories
---@return cloudblue.connect.Failure? failure beside nil
function UsageFileResource:categories(id, options) end

---Reads where the template of a product's usage files is: GET `/usage/products/{id}/template` (API).
---@param productId string
---@param options cloudblue.connect.Limits? of this call
---@return table? link
---@return cloudblue.connect.Failure? failure beside nil
function UsageFileResource:template(productId, options) end

-- ---------------------------------------------------------------- aggregates and reconciliations

---Usage aggregates: `/usage/aggregates`. The API has their list only.
---@class cloudblue.connect.UsageAggregateResource: cloudblue.connect.GenericResource
local UsageAggregateResource = {}

---Usage reconciliations: `/usage/reconciliations`.
---@class cloudblue.connect.UsageReconciliationResource: cloudblue.connect.GenericResource
local UsageReconciliationResource = {}

---Uploads a reconciliation: POST `/usage/reconciliations`, parts `recon_file` and `upload_note` (API).
---@param file cloudblue.connect.Source
---@param note string? nil leaves it out
---@param options cloudblue.connect.TransferOptions?
---@return table|true|nil reconciliation
---@return cloudblue.connect.Failure? failure beside nil; kind `file` and outcome `unsent` where the path can't be read
function UsageReconciliationResource:create(file, note, options) end

---Downloads what Connect made of it: GET `/usage/reconciliations/{id}/processedfile` (API).
---@param id string
---@param to cloudblue.connect.Target
---@param options cloudblue.connect.TransferOptions?
---@return string|integer|nil bytes XLSX; with a target, how many bytes went there
---@return cloudblue.connect.Failure? failure beside nil
function UsageReconciliationResource:processedFile(id, to, options) end

---Downloads what was uploaded: GET `/usage/reconciliations/{id}/uploadedfile` (API).
---@param id string
---@param to cloudblue.connect.Target
---@param options cloudblue.connect.TransferOptions?
---@return string|integer|nil bytes XLSX; with a target, how many bytes went there
---@return cloudblue.connect.Failure? failure beside nil
function UsageReconciliationResource:uploadedFile(id, to, options) end

-- ---------------------------------------------------------------- conditions

---Where a condition begins: `R.status`, `R.asset.external_uid`; `R["asset.eq"]` and `R("asset.eq")` reach a field that
---is named as a method. Raises an error for what is no field's name.
---@class cloudblue.connect.R
---@field [string] cloudblue.connect.Field
---@operator call(string): cloudblue.connect.Field

---What a filter says. `&` binds more strongly than `|`, `~` more strongly than both. `tostring` returns the query.
---Can't be changed.
---@class cloudblue.connect.Condition
---@operator band(cloudblue.connect.Condition): cloudblue.connect.Condition
---@operator bor(cloudblue.connect.Condition): cloudblue.connect.Condition
---@operator bnot: cloudblue.connect.Condition

---A value in a condition; a text is always a text, `""` the empty one (RQL's `empty()`), and `connect.null` stands for
---null. A number reaches the service as the same value, whatever the locale. Raises an argument error for one that RQL
---can't carry: a text with control characters, or with both kinds of quotation marks; NaN.
---@alias cloudblue.connect.rql.Value string|number|boolean|lightuserdata

---A field's name, not yet compared. Can't be changed.
---@class cloudblue.connect.Field
---@field [string] cloudblue.connect.Field a field of the object that it holds
local Field = {}

---The field has this value.
---@param value cloudblue.connect.rql.Value
---@return cloudblue.connect.Condition
function Field:eq(value) end

---The field has another value.
---@param value cloudblue.connect.rql.Value
---@return cloudblue.connect.Condition
function Field:ne(value) end

---The field is greater than the value; times are texts as in ISO 8601.
---@param value string|number not empty
---@return cloudblue.connect.Condition
function Field:gt(value) end

---The field is at least the value.
---@param value string|number not empty
---@return cloudblue.connect.Condition
function Field:ge(value) end

---The field is less than the value.
---@param value string|number not empty
---@return cloudblue.connect.Condition
function Field:lt(value) end

---The field is at most the value.
---@param value string|number not empty
---@return cloudblue.connect.Condition
function Field:le(value) end

---The field has one of the values.
---@param values cloudblue.connect.rql.Value[] at least one
---@return cloudblue.connect.Condition
function Field:oneOf(values) end

---The field has none of the values.
---@param values cloudblue.connect.rql.Value[] at least one
---@return cloudblue.connect.Condition
function Field:noneOf(values) end

---The field holds the text somewhere. Stars and backslashes in it stand for themselves.
---@param value string not empty
---@return cloudblue.connect.Condition
function Field:like(value) end

---As `like`, whatever the case of the letters.
---@param value string not empty
---@return cloudblue.connect.Condition
function Field:ilike(value) end

---The field is null.
---@return cloudblue.connect.Condition
function Field:isNull() end

---The field is the empty text.
---@return cloudblue.connect.Condition
function Field:isEmpty() end

return connect
