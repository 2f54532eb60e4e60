# The C tests and the specs under valgrind: no invalid access, and nothing lost at the end.
. tools/tap.sh
export TEST_SLOWNESS=10 # what is to run out of time gets more of it
export CMOCKA_MESSAGE_OUTPUT=TAP
LIMIT=${LIMIT:-3600}
case $BUILD in /*) ;; *) BUILD=$(pwd)/$BUILD ;; esac

check "build" $MAKE -s all core-tests hosts "$BUILD/keep-loaded.so"
memcheck="valgrind -q --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite
  --keep-debuginfo=yes --num-callers=30 --error-exitcode=99 --suppressions=$(pwd)/spec/torture/valgrind.supp"
# The programs that the specs start as hosts.
export TEST_HOST="$(echo $memcheck)"

for source in spec/core/*_test.c; do
  name=$(basename "$source" .c)
  stream "$name" $memcheck "$BUILD/spec/core/$name"
done
side_by_side 2 busted "$(specs_of_c)" sh tools/with-env.sh env LD_PRELOAD="$BUILD/keep-loaded.so" \
  $memcheck "$LUA" "$(command -v busted)" --ignore-lua --output=TAP
