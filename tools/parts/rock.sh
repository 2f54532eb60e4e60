# The installation by LuaRocks: from a copy of the sources into a tree of its own, and then used from
# there with nothing of this folder in Lua's path. What LuaRocks would fetch is declared as provided.
. tools/tap.sh
top=$(pwd)
case $BUILD in /*) ;; *) BUILD=$top/$BUILD ;; esac
rock=$BUILD/rock

prepare() {
  rm -rf "$rock"
  mkdir -p "$rock/none" "$rock/source" "$rock/busted/bin"
  cp -r src lua bin rockspec spec LICENSE .busted "$rock/source/"
  cat >"$rock/config.lua" <<EOF
rocks_trees = { { name = "test", root = "$rock/tree" } }
rocks_servers = { "$rock/none" }
rocks_provided = { ["lua-cjson"] = "2.1.0-1", http = "0.4-0", argparse = "0.7.1-1", luasocket = "3.1.0-1" }
EOF
  # luarocks test looks for a busted that is a rock: one that calls the installed one.
  echo 'require "busted.runner"({ standalone = false })' >"$rock/busted/bin/busted"
  cat >"$rock/busted/busted-2.1.1-1.rockspec" <<EOF
package = "busted"
version = "2.1.1-1"
source = { url = "git+file://." }
build = { type = "builtin", modules = {}, install = { bin = { busted = "bin/busted" } } }
EOF
}

rocks() { LUAROCKS_CONFIG=$rock/config.lua luarocks --lua-version=5.4 "$@"; }
make_rock() { cd "$rock/source" && rocks make; }
run_busted() { cd "$rock/busted" && rocks make && cd "$rock/source" && rocks test -- spec/rockspec_spec.lua; }

# Lua finds the rock's tree and what Debian installed, and no more.
from_tree() {
  older=$(sh tools/older-lua.sh)
  cd "$rock/none" &&
    LUA_PATH="$rock/tree/share/lua/5.4/?.lua;$rock/tree/share/lua/5.4/?/init.lua;;$older" \
    LUA_CPATH="$rock/tree/lib/lua/5.4/?.so;;" "$@"
}
close_from_tree() { from_tree "$LUA" "$top/examples/demo.lua"; }
command_from_tree() { from_tree "$rock/tree/bin/connect-usage" --help; }

# tap.sh runs commands, not functions: they go by way of this file.
if [ $# -gt 0 ]; then "$@"; exit; fi
set -- sh tools/parts/rock.sh

check "prepare a copy and a LuaRocks of its own" "$@" prepare
check "luarocks make" "$@" make_rock
check "the demo, from the rock's tree" "$@" close_from_tree
check "connect-usage, from the rock's tree" "$@" command_from_tree
check "luarocks test" "$@" run_busted
