local certs = require "spec.support.certs"
local rawclient = require "spec.support.rawclient"
local rawserver = require "spec.support.rawserver"

-- What is loaded before the specs, a sanitizer for example, is not meant for it.
local CURL = "env -u LD_PRELOAD curl -s "

describe("the raw server of the specs", function()
  local raw

  after_each(function()
    raw:stop()
  end)

  local GET = "GET / HTTP/1.1\r\n\r\n"

  --- What came back and how it ended.
  local function exchange(bytes, seconds)
    local received, ending = rawclient.exchange(raw.port, bytes, seconds)
    return { received, ending }
  end

  it("runs a script for each connection, the last for all further ones", function()
    raw = rawserver.start { connections = {
      { { read = "request" }, { send = "one" } },
      { { read = "request" }, { send = "two" }, { reset = true } },
      { { read = 3 }, { send = "x", times = 4 }, { close = true } },
    } }
    assert.are.same({ "one", "closed" }, exchange(GET))
    assert.are.same("reset", exchange(GET)[2])
    assert.are.same({ "xxxx", "closed" }, exchange("abc"))
    assert.are.same({ "xxxx", "closed" }, exchange("def"))
    assert.are.equal(4, raw:connections())
    assert.are.same({ GET, GET, "abc", "def" }, raw:received())
    assert.are.same({}, raw:problems())
  end)

  it("answers requests on one connection, bodies read", function()
    raw = rawserver.start { replies = { "1", "2" } }
    local post = "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
    local chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    local none = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert.are.same({ "12222", "waiting" }, exchange(post .. chunked .. none .. GET .. post, 0.1))
    assert.are.same({ post .. chunked .. none .. GET .. post }, raw:received())
  end)

  it("sends every byte as it is, in pieces when that is wanted", function()
    local bytes = {}
    for value = 0, 255 do
      bytes[value + 1] = string.char(value)
    end
    local all = table.concat(bytes)
    raw = rawserver.start { connections = { { { send = all, piece = 50, pause = 0.001 } } } }
    assert.are.same({ all, "closed" }, exchange(all))
  end)

  it("makes replies", function()
    local reply = rawserver.reply(409, "{}", { ["X-A"] = "b" })
    assert.is_truthy(reply:find("^HTTP/1.1 409 .*\r\nContent%-Length: 2\r\n"))
    assert.is_truthy(reply:find("\r\nX-A: b\r\n", 1, true))
    assert.is_truthy(reply:find("\r\n\r\n{}$"))
    raw = rawserver.start { replies = { "" } }
  end)

  it("hangs until the client goes away, or pauses", function()
    raw = rawserver.start { connections = { { { hang = true } }, { { pause = 0.05 }, { send = "late" } } } }
    assert.are.same({ "", "waiting" }, exchange(GET, 0.03))
    assert.are.same({ "late", "closed" }, exchange(""))
  end)

  it("never accepts when told so", function()
    raw = rawserver.start { accept = false }
    assert.are.same({ "", "waiting" }, exchange(GET, 0.03))
    assert.are.equal(0, raw:connections())
  end)

  it("speaks TLS", function()
    raw = rawserver.start { tls = certs.make().good, replies = { rawserver.reply(200, "secret") } }
    local pipe <close> = assert(io.popen(CURL .. "--cacert " .. certs.make().ca .. " " .. raw.url .. "/x"))
    assert.are.equal("secret", pipe:read("a"))
    assert.is_truthy(raw:received()[1]:find("^GET /x HTTP/1.1\r\n"))
  end)

  it("asks clients for a certificate when told so", function()
    local made = certs.make()
    raw = rawserver.start {
      tls = { cert = made.good.cert, key = made.good.key, ca = made.ca }, replies = { rawserver.reply(200, "secret") },
    }
    local curl = CURL .. "--cacert " .. made.ca .. " %s " .. raw.url .. "/x"
    local shown = ("--cert %s --key %s"):format(made.client.cert, made.client.key)
    for own, expected in pairs { [""] = "", [shown] = "secret" } do
      local pipe <close> = assert(io.popen(curl:format(own)))
      assert.are.equal(expected, pipe:read("a"))
    end
  end)

  it("lets a handler answer, and tell what it did", function()
    raw = rawserver.start { handler = "spec.support.hostile", seed = 1, tricks = { "idle" } }
    local close = "POST /v1/usage/records/UR-1/close HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
    local received, ending = rawclient.exchange(raw.port, close .. close)
    assert.are.equal("closed", ending)
    assert.is_truthy(received:find("^HTTP/1.1 [24]00 .*HTTP/1.1 408 Request Timeout\r\n"))
    local account = raw:account()
    assert.are.same({ ["UR-1"] = 1 }, account.posts)
    assert.are.same({ idle = 1 }, account.played)
    assert.is_truthy(account.did["UR-1"])
    assert.are.same({}, raw:problems())
  end)

  it("begins TLS within a connection, as behind a proxy", function()
    local good = certs.make().good
    raw = rawserver.start {
      tls = { cert = good.cert, key = good.key, late = true },
      connections = { {
        { read = "request" }, { send = "HTTP/1.1 200 OK\r\n\r\n" }, { starttls = true },
        { read = "request" }, { send = rawserver.reply(200, "tunnelled") },
      } },
    }
    local pipe <close> = assert(io.popen(string.format(
      CURL .. "--cacert %s --proxy http://127.0.0.1:%d https://localhost:1/x", certs.make().ca, raw.port)))
    assert.are.equal("tunnelled", pipe:read("a"))
    assert.is_truthy(raw:received()[1]:find("^CONNECT localhost:1 HTTP/1.1\r\n"))
    assert.is_truthy(raw:received()[1]:find("GET /x HTTP/1.1\r\n", 1, true))
  end)

  it("tells of a script that means nothing", function()
    raw = rawserver.start { connections = { { { nonsense = true } } } }
    exchange(GET, 0.05)
    assert.are.equal(1, #raw:problems())
  end)
end)
