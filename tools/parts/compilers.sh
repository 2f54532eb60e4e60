# Everything in C compiles without a warning, by both compilers.
. tools/tap.sh
for cc in gcc clang; do
  check "$cc -Werror" $MAKE -s CC=$cc WERROR=1 BUILD="$BUILD/$cc" all core-tests fuzzers hosts
done
