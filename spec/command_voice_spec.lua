local child = require "spec.support.child"

-- What a script says on stdout and on stderr. `voice` in it: one that is made with these options.
local function said(options, script)
  local code = ("local voice = require('cloudblue.connect.command.voice').new %s\n%s"):format(options, script)
  local printed = child.run(([[
    local stdout, stderr = assert(io.tmpfile()), assert(io.tmpfile())
    io.stdout, io.stderr = stdout, stderr
    assert(load(%q))()
    stdout:seek "set" stderr:seek "set"
    print(stdout:read "a" .. "|" .. stderr:read "a")]]):format(code))
  return (printed:gsub("\n$", ""))
end

describe("the voice of a subcommand", function()
  it("has words on stderr, and results on stdout", function()
    assert.are.equal("a result\n|words\nproblem\n",
      said("{}", "voice:say 'words' voice:warn 'problem' voice:print('a result', 'summary', { closed = 1 })"))
  end)

  it("says only problems and results where it is to be quiet", function()
    assert.are.equal("a result\n|problem\n",
      said("{ quiet = true }", "voice:say 'words' voice:warn 'problem' voice:print('a result', 'summary', {})"))
  end)

  it("prints an object for each result where JSON is wanted", function()
    assert.are.equal('{"closed":1,"message_type":"summary"}\n{"message_type":"status"}\n|words\n',
      said("{ json = true }",
        "voice:say 'words' voice:print('a result', 'summary', { closed = 1 }) voice:print(nil, 'status', {})"))
    assert.are.equal("|", said("{}", "voice:print(nil, 'status', {})"))
  end)

  it("hands a problem on, and prints it where JSON is wanted", function()
    local script = "local no, problem, code = voice:fail('none', 2) io.stderr:write(tostring(no), problem, code)"
    assert.are.equal("|nilnone2", said("{}", script))
    assert.are.equal('{"exit_code":2,"message":"none","message_type":"error"}\n|nilnone2',
      said("{ json = true }", script))
  end)

  it("takes the bar away before it says anything", function()
    local script = [[
      voice:over { clear = function() io.stderr:write "-" end }
      voice:warn "a" voice:print("b", "summary", {}) voice:over(nil) voice:warn "c"]]
    assert.are.equal("b\n|-a\n-c\n", said("{}", script))
  end)

  it("shows no characters that would steer a terminal", function()
    assert.are.equal("|a\\x1B[31mb\n", said("{}", "voice:warn 'a\\27[31mb'"))
  end)
end)
