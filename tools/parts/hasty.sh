# The specs with the collector in its most aggressive setting.
. tools/tap.sh
stream busted sh tools/with-env.sh busted --lua="$LUA" --output=TAP --helper=tools/hasty-gc.lua
