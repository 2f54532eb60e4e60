# The specs, in two processes side by side; SPECS="spec/rql_spec.lua" for some of them, one after the other.
. tools/tap.sh
check "build" $MAKE -s all core-tests hosts
set -- sh tools/with-env.sh busted --lua="$LUA" --output=TAP
if [ -n "${SPECS-}" ]; then
  stream busted "$@" $SPECS
else
  export TEST_SLOWNESS="${TEST_SLOWNESS:-2}" # what is to run out of time gets more of it
  side_by_side 2 busted "$(echo spec/*_spec.lua)" "$@"
fi
