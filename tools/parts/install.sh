# make install and make uninstall, and the demo with what was installed.
. tools/tap.sh
top=$(pwd)
case $BUILD in /*) ;; *) BUILD=$top/$BUILD ;; esac
prefix="$BUILD/a prefix"
relative=build/a-relative-prefix
version=$("$LUA" -e 'print((_VERSION:match("%d+%.%d+")))')
suffix=_$(echo "$version" | tr . _)

put() { rm -rf "$1" && $MAKE -s install PREFIX="$1"; }
# A command, which finds what was installed below a prefix and what Lua finds by itself, and nothing of this folder.
with() {
  share=$1/share/lua/$version lib=$1/lib/lua/$version
  shift
  cd / && env "LUA_PATH$suffix=$share/?.lua;$share/?/init.lua;;" "LUA_CPATH$suffix=$lib/?.so;;" "$@"
}
demo() { with "$1" "$LUA" "$top/examples/demo.lua"; }
# It prints the version of the module that it has loaded.
command_alone() {
  cd / && env -u "LUA_PATH$suffix" -u "LUA_CPATH$suffix" -u LUA_PATH -u LUA_CPATH \
    "$1/bin/connect-usage" --version | grep '^connect-usage [0-9]'
}
# It serves, and ends in order.
serve_alone() {
  cd / && env -u "LUA_PATH$suffix" -u "LUA_CPATH$suffix" -u LUA_PATH -u LUA_CPATH \
    timeout 2 "$1/bin/connect-usage" sandbox --port 0 | grep '^Usage records: 1000 approved$'
}
# The manual page and the completions: made of the command as it was installed.
page() {
  groff -man -Tutf8 -P-cbou -ww "$1/share/man/man1/connect-usage.1" >"$BUILD/page" 2>&1 && cat "$BUILD/page" &&
    grep -q '^NAME$' "$BUILD/page" && ! grep -q warning "$BUILD/page" &&
    "$1/bin/connect-usage" --help | sed -n '/^Commands:/,$s/^   \([a-z]*\).*/\1/p' | while read -r name; do
      grep -q "^   $name$" "$BUILD/page" || { echo "the page has nothing about $name" && exit 1; }
    done
}
completed() {
  bash -c '. "$0/share/bash-completion/completions/connect-usage"
    COMP_WORDS=(connect-usage sand) COMP_CWORD=1 && _connect-usage && [ "${COMPREPLY[*]}" = sandbox ]' "$1"
}
# It lists and closes, with a ledger.
use_alone() {
  rm -rf "$BUILD/use" && mkdir "$BUILD/use" &&
    with "$1" "$LUA" "$top/tools/try-command.lua" "$1/bin/connect-usage" "$BUILD/use"
}
take_away() { $MAKE -s uninstall PREFIX="$1" && [ -z "$(find "$1" -type f)" ]; }
# Below DESTDIR, and knowing of PREFIX only, as a package is made.
staged() {
  rm -rf "$BUILD/stage" && $MAKE -s install DESTDIR="$BUILD/stage" PREFIX=/opt/connect &&
    ! grep -rq "$BUILD/stage" "$BUILD/stage/opt/connect/bin" &&
    grep -q "/opt/connect/share/lua/$version/?.lua" "$BUILD/stage/opt/connect/bin/connect-usage"
}

# tap.sh runs commands, not functions: they go by way of this file.
if [ $# -gt 0 ]; then "$@"; exit; fi
set -- sh tools/parts/install.sh

check "make install, with a space in the path" "$@" put "$prefix"
check "the demo, from what was installed" "$@" demo "$prefix"
check "connect-usage, with nothing in the environment" "$@" command_alone "$prefix"
check "connect-usage sandbox, with nothing in the environment" "$@" serve_alone "$prefix"
check "connect-usage list, close and status" "$@" use_alone "$prefix"
check "the manual page" "$@" page "$prefix"
check "bash completes what was installed" "$@" completed "$prefix"
check "make uninstall leaves no file" "$@" take_away "$prefix"
check "make install below a relative prefix" "$@" put "$relative"
check "connect-usage of a relative prefix, from another folder" "$@" command_alone "$top/$relative"
check "make uninstall below a relative prefix" "$@" take_away "$relative"
check "make install with DESTDIR" "$@" staged
