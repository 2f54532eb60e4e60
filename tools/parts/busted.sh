# The specs; SPECS="spec/rql_spec.lua" for some of them.
. tools/tap.sh
check "build" $MAKE -s all core-tests hosts
stream busted sh tools/with-env.sh busted --lua="$LUA" --output=TAP ${SPECS-}
