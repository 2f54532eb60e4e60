# What can be found by reading the files.
. tools/tap.sh

flags() { $MAKE -s "print-$1"; }
# A run for each file: clang-tidy 14 carries its va_list check over from one file to the next.
tidy() {
  options=$(flags "$1_flags")
  shift
  printf '%s\n' "$@" | xargs -P 2 -I '{}' clang-tidy --quiet '{}' -- $options
}
no_lua_in_core() { ! grep -nE '#[[:space:]]*include[[:space:]]*[<"](lua|lauxlib|lualib)' src/core/*; }
# By includes and by symbols, in objects built for it alone.
order() {
  $MAKE -s BUILD="$BUILD/order" OPT=-O0 all && $LUA tools/order.lua src/LAYERS src "$BUILD/order/obj/src"
}
spec_of() {
  name=${1##*/}
  case $1 in
  src/core/*) echo "spec/core/${name%.c}_test.c" ;;
  src/binding/*) name=${name#cbl_} && echo "spec/${name%.c}_spec.lua" ;;
  *) name=${1#lua/cloudblue/connect/} && echo "spec/${name%.lua}_spec.lua" | sed 's#/#_#2g' ;;
  esac
}
every_spec() {
  bad=0
  for file in src/*/*.c $(find lua -name '*.lua'); do
    spec=$(spec_of "$file")
    [ -f "$spec" ] || { echo "$file: $spec is missing" && bad=1; }
  done
  return $bad
}
shell_syntax() { for file in tools/*.sh tools/parts/*.sh bench/*.sh; do sh -n "$file" || return 1; done; }

# check runs its command through timeout, so a function goes by way of this file: "lint.sh FUNCTION".
if [ $# -gt 0 ]; then "$@"; exit; fi
set -- sh tools/parts/lint.sh

check "luacheck" luacheck -q .
check "clang-format" clang-format --dry-run -Werror src/*/*.[ch] $(ls spec/core/*.[ch] spec/fuzz/*.[ch] spec/support/*.c examples/*.c bench/*.[ch] bench/*/*.c 2>/dev/null)
check "clang-tidy, core" "$@" tidy core src/core/*.c
check "clang-tidy, binding" "$@" tidy binding src/binding/*.c
check "cppcheck" cppcheck -q --std=c11 --language=c --enable=warning,performance,portability \
  --inline-suppr --error-exitcode=1 -Isrc/core -Isrc/binding src
check "the core knows nothing of Lua" "$@" no_lua_in_core
check "the order of the layers" "$@" order
check "a spec for each source file" "$@" every_spec
check "syntax of the shell scripts" "$@" shell_syntax
