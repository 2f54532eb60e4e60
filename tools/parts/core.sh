# The C tests of the core, each a program that writes TAP; and the fuzz targets with their seeds, each
# seed in as many forms (make torture runs them under libFuzzer).
. tools/tap.sh
export CMOCKA_MESSAGE_OUTPUT=TAP
check "build" $MAKE -s core-tests fuzzers
for source in spec/core/*_test.c; do
  name=$(basename "$source" .c)
  stream "$name" "$BUILD/spec/core/$name"
done
for source in spec/fuzz/*_fuzz.c; do
  name=$(basename "$source" _fuzz.c)
  check "$source" "$BUILD/spec/fuzz/${name}_fuzz" -n 2000 "spec/fuzz/corpus/$name"/*
done
