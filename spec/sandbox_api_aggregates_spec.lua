local sandboxed = require "spec.support.sandboxed"

describe("the sandbox's usage aggregates", function()
  local client
  sandboxed.share(nil, function(_, given) client = given end)

  it("are listed, one for each asset", function()
    local reply = client:call("GET", "/usage/aggregates?item.type=Reservation")
    assert.are.equal("items 0-1/2", reply.headers["content-range"])
    assert.are.same({ "AS-0000-0000-0008", 80, 804 },
      { reply.value[2].asset.id, reply.value[2].consumed, reply.value[2].amount })
    assert.are.equal("items 0-9/10", client:call("GET", "/usage/aggregates").headers["content-range"])
  end)

  it("are listed for one asset, if it exists", function()
    local reply = client:call("GET", "/assets/AS-0000-0000-0003/usage/aggregates")
    assert.are.same({ 200, 1, "AS-0000-0000-0003" }, { reply.status, #reply.value, reply.value[1].asset.id })
    assert.are.equal(404, client:call("GET", "/assets/AS-none/usage/aggregates").status)
  end)

  it("are filtered by item, too", function()
    assert.are.equal(2, #client:call("GET", "/usage/aggregates?item.local_id=item_1").value)
  end)
end)
