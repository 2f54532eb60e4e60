# The C tests, the specs and the host programs under AddressSanitizer, its leak checker and
# UndefinedBehaviorSanitizer. Lua itself is not built with them, so they are loaded before it.
. tools/tap.sh
export TEST_SLOWNESS=3 # what is to run out of time gets more of it
export CMOCKA_MESSAGE_OUTPUT=TAP
export LSAN_OPTIONS="suppressions=$(pwd)/spec/torture/lsan.supp:print_suppressions=0"
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
case $BUILD in /*) ;; *) BUILD=$(pwd)/$BUILD ;; esac
BUILD=$BUILD/asan
export BUILD

check "build" $MAKE -s CC=gcc SANITIZE=address,undefined BUILD="$BUILD" \
  all core-tests fuzzers hosts "$BUILD/keep-loaded.so"
for source in spec/core/*_test.c; do
  name=$(basename "$source" .c)
  stream "$name" "$BUILD/spec/core/$name"
done
for source in spec/fuzz/*_fuzz.c; do
  name=$(basename "$source" _fuzz.c)
  check "$source" "$BUILD/spec/fuzz/${name}_fuzz" -n 2000 "spec/fuzz/corpus/$name"/*
done
for source in examples/host*.c; do
  program=$BUILD/examples/$(basename "$source" .c)
  check "$source" sh tools/with-env.sh "$LUA" tools/with-sandbox.lua "$program"
done
libraries="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so) $BUILD/keep-loaded.so"
side_by_side 2 busted "$(specs_of_c)" sh tools/with-env.sh env LD_PRELOAD="$libraries" CLOSING_RUNS="${CLOSING_RUNS:-10}" \
  "$LUA" "$(command -v busted)" --ignore-lua --output=TAP
