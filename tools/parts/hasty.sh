# The specs with the collector in its most aggressive setting.
. tools/tap.sh
export TEST_SLOWNESS=10 # what is to run out of time gets more of it
# Those of what the C module makes and frees; HASTY=all takes every one of C, and a quarter of an hour.
specs="arguments call check chunk client endpoints failure json lifetime module options query request
  resource result state"
check "build" $MAKE -s all core-tests hosts
set -- sh tools/with-env.sh busted --lua="$LUA" --output=TAP --helper=tools/hasty-gc.lua
if [ "${HASTY-}" = all ]; then
  side_by_side 2 busted "$(specs_of_c)" "$@"
else
  stream busted "$@" $(printf 'spec/%s_spec.lua ' $specs)
fi
