# The long tests: spec/torture/*_torture.lua.
. tools/tap.sh
LIMIT=${LIMIT:-3600}
stream torture sh tools/with-env.sh busted --lua="$LUA" --output=TAP --pattern=_torture spec/torture
