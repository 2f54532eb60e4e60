# The specs with the collector in its most aggressive setting.
. tools/tap.sh
export TEST_SLOWNESS=10 # what is to run out of time gets more of it
stream busted sh tools/with-env.sh busted --lua="$LUA" --output=TAP --helper=tools/hasty-gc.lua
