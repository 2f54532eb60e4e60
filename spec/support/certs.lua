-- Certificates for the TLS specs, made by certs.sh into build/certs.

local certs = {}

local directory = (os.getenv("BUILD") or "build") .. "/certs"

---Makes the certificates, or keeps those made within the last two days.
---@return table paths `ca`, and `good`, `wrongHost`, `expired`, `selfSigned`, `client`, each `{ cert=path, key=path }`
function certs.make()
  assert(os.execute(("sh spec/support/certs.sh '%s'"):format(directory)), "no certificates could be made")
  local function pair(name)
    return { cert = directory .. "/" .. name .. ".pem", key = directory .. "/" .. name .. ".key" }
  end
  return {
    ca = directory .. "/ca.pem",
    good = pair("good"),
    wrongHost = pair("wrong-host"),
    expired = pair("expired"),
    selfSigned = pair("self-signed"),
    client = pair("client"),
  }
end

return certs
