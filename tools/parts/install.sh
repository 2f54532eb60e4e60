# make install and make uninstall, and the demo with what was installed.
. tools/tap.sh
top=$(pwd)
case $BUILD in /*) ;; *) BUILD=$top/$BUILD ;; esac
prefix="$BUILD/a prefix"

put() { rm -rf "$prefix" && $MAKE -s install PREFIX="$prefix"; }
use() {
  older=$(sh tools/older-lua.sh)
  cd / && LUA_PATH="$prefix/share/lua/5.4/?.lua;$prefix/share/lua/5.4/?/init.lua;;$older" \
    LUA_CPATH="$prefix/lib/lua/5.4/?.so;;" "$LUA" "$top/examples/demo.lua"
}
command_alone() { cd / && env -u LUA_PATH -u LUA_CPATH "$prefix/bin/connect-usage" sandbox --help; }
take_away() { $MAKE -s uninstall PREFIX="$prefix" && [ -z "$(find "$prefix" -type f)" ]; }

# tap.sh runs commands, not functions: they go by way of this file.
if [ $# -gt 0 ]; then "$@"; exit; fi
set -- sh tools/parts/install.sh

check "make install, with a space in the path" "$@" put
check "the demo, from what was installed" "$@" use
check "connect-usage, with nothing in the environment" "$@" command_alone
check "make uninstall leaves no file" "$@" take_away
