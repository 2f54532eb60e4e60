# The specs.
. tools/tap.sh
stream busted sh tools/with-env.sh busted --lua="$LUA" --output=TAP
