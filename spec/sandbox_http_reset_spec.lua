local errno = require "cqueues.errno"
local reset = require "cloudblue.connect.sandbox.http.reset"
local sockets = require "cqueues.socket"

describe("a reset by the sandbox", function()
  --- Two ends of a TCP connection.
  local function connected()
    local listener = sockets.listen("127.0.0.1", 0)
    assert(listener:listen(5))
    local _, _, port = listener:localname()
    local here = sockets.connect("127.0.0.1", port)
    assert(here:connect(5))
    local there = assert(listener:accept(nil, 5))
    listener:close()
    here:onerror(function(_, _, why) return why end)
    return here, there
  end

  it("is seen as a reset at the other end, not as its end", function()
    local here, there = connected()
    reset.close(there)
    assert.are.same({ nil, errno.ECONNRESET }, { here:xread(1, 5) })
    here, there = connected()
    there:close()
    assert.are.same({}, { (here:xread(1, 5)) })
  end)

  it("concerns one socket alone", function()
    local first, second = connected()
    local third, fourth = connected()
    reset.close(second)
    assert.is_truthy(fourth:xwrite("x", "bn", 5))
    assert.are.equal("x", third:xread(1, "b", 5))
    assert.are.same({ nil, errno.ECONNRESET }, { first:xread(1, 5) })
  end)

  it("leaves the process's SIGPIPE as it was", function()
    local function ignored()
      local file <close> = assert(io.open("/proc/self/status"))
      return file:read("a"):match("SigIgn:%s*(%x+)")
    end
    local before = ignored()
    local here, there = connected()
    reset.close(there)
    here:close()
    assert.are.equal(before, ignored())
  end)

  it("leaves no descriptor behind", function()
    local function count()
      local pipe <close> = assert(io.popen("ls /proc/" .. io.open("/proc/self/stat"):read("n") .. "/fd | wc -l"))
      return pipe:read("n")
    end
    assert(reset.prepare())
    collectgarbage()
    local before = count()
    for _ = 1, 20 do
      local here, there = connected()
      reset.close(there)
      here:close()
    end
    collectgarbage()
    assert.is_true(count() < before + 10)
  end)
end)
