# The module, the C tests and the host programs compile.
. tools/tap.sh
check "make" $MAKE -s all
check "make core-tests" $MAKE -s core-tests
check "make hosts" $MAKE -s hosts
check "make fuzzers" $MAKE -s fuzzers
