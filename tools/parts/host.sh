# The host programs, each beside a sandbox that has to have counted closed records afterwards.
. tools/tap.sh
check "build" $MAKE -s all hosts
for source in examples/host*.c; do
  program=$BUILD/examples/$(basename "$source" .c)
  check "$source" sh tools/with-env.sh "$LUA" tools/with-sandbox.lua "$program"
done
check "examples/demo.lua" sh tools/with-env.sh "$LUA" examples/demo.lua
