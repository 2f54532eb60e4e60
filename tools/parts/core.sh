# The C tests of the core, each a program that writes TAP.
. tools/tap.sh
export CMOCKA_MESSAGE_OUTPUT=TAP
for source in spec/core/*_test.c; do
  name=$(basename "$source" .c)
  stream "$name" "$BUILD/spec/core/$name"
done
