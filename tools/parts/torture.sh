# The long tests, every time with other random numbers (the specs print their seeds): spec/torture/*_torture.lua,
# the model of the exchange, and the fuzz targets under libFuzzer with ASan and UBSan, each for FUZZ_SECONDS. What
# libFuzzer finds stays in $BUILD/fuzz.
. tools/tap.sh
LIMIT=${LIMIT:-7200}
check "build" $MAKE -s all core-tests
# Most of them wait more than they compute.
export TEST_SLOWNESS="${TEST_SLOWNESS:-3}"
side_by_side 4 torture "$(echo spec/torture/*_torture.lua)" sh tools/with-env.sh busted --lua="$LUA" --output=TAP \
  --pattern=_torture
stream cbc_exchange_model env CMOCKA_MESSAGE_OUTPUT=TAP EXCHANGE_SEED="${EXCHANGE_SEED:-$(date +%s)}" \
  EXCHANGE_RUNS="${EXCHANGE_RUNS:-20000000}" "$BUILD/spec/core/cbc_exchange_model_test"

fuzz=$BUILD/fuzz
check "the fuzz targets" $MAKE -s CC=clang SANITIZE=fuzzer-no-link,address,undefined LIBFUZZER=1 \
  BUILD="$fuzz" fuzzers
for source in spec/fuzz/*_fuzz.c; do
  name=$(basename "$source" _fuzz.c)
  mkdir -p "$fuzz/corpus/$name"
  check "$source, ${FUZZ_SECONDS:-60} s" "$fuzz/spec/fuzz/${name}_fuzz" -max_total_time="${FUZZ_SECONDS:-60}" \
    -max_len=4096 -timeout=20 -artifact_prefix="$fuzz/$name-" "$fuzz/corpus/$name" "spec/fuzz/corpus/$name"
done
