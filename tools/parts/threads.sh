# The host programs under ThreadSanitizer. It needs addresses that are not spread at random.
. tools/tap.sh
export TSAN_OPTIONS=halt_on_error=1
still="setarch $(uname -m) -R"
check "build" $MAKE -s CC=gcc SANITIZE=thread BUILD="$BUILD/tsan" hosts
for source in examples/host*.c; do
  program=$BUILD/tsan/examples/$(basename "$source" .c)
  check "$source" sh tools/with-env.sh "$LUA" tools/with-sandbox.lua $still "$program"
done
