# The installation of the rocks by LuaRocks: from a copy of the sources into a tree of its own, and then used
# from there with nothing of this folder in Lua's path. What LuaRocks would fetch is declared as provided.
. tools/tap.sh
top=$(pwd)
case $BUILD in /*) ;; *) BUILD=$top/$BUILD ;; esac
rock=$BUILD/rock

prepare() {
  rm -rf "$rock"
  mkdir -p "$rock/none" "$rock/source" "$rock/busted/bin"
  cp -r Makefile src lua bin tools rockspec spec LICENSE .busted "$rock/source/"
  cat >"$rock/config.lua" <<EOF
rocks_trees = { { name = "test", root = "$rock/tree" } }
rocks_servers = { "$rock/none" }
rocks_provided = {
  ["lua-cjson"] = "2.1.0-1", http = "0.4-0", cqueues = "20200726.54-0", luaossl = "20220711-0",
  argparse = "0.7.1-1", luasocket = "3.1.0-1", ["lua-term"] = "0.7-1", ["luasql-sqlite3"] = "2.6.0-1",
}
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
client=rockspec/cloudblue-connect-scm-1.rockspec
sandbox=rockspec/cloudblue-connect-sandbox-scm-1.rockspec
command=rockspec/cloudblue-connect-usage-scm-1.rockspec
make_rock() { cd "$rock/source" && rocks make "$1"; }
run_busted() {
  cd "$rock/busted" && rocks make && cd "$rock/source" && rocks test "$client" -- spec/rockspec_spec.lua
}

# Lua finds the rock's tree and what Debian installed, and no more.
from_tree() {
  cd "$rock/none" &&
    env LUA_PATH_5_4="$rock/tree/share/lua/5.4/?.lua;$rock/tree/share/lua/5.4/?/init.lua;;" \
    LUA_CPATH_5_4="$rock/tree/lib/lua/5.4/?.so;;" "$@"
}
close_from_tree() { from_tree "$LUA" "$top/examples/demo.lua"; }
# All of its subcommands.
command_from_tree() {
  from_tree "$rock/tree/bin/connect-usage" --help >"$rock/help" && cat "$rock/help" &&
    for file in lua/cloudblue/connect/command/*.lua; do
      grep -q "^function subcommand.run" "$top/$file" || continue
      grep -q "^   $(basename "$file" .lua) " "$rock/help" || { echo "$file: no such command" && return 1; }
    done
}
use_from_tree() {
  rm -rf "$rock/use" && mkdir "$rock/use" &&
    from_tree "$LUA" "$top/tools/try-command.lua" "$rock/tree/bin/connect-usage" "$rock/use"
}
serve_from_tree() {
  from_tree timeout 2 "$rock/tree/bin/connect-usage" sandbox --port 0 | grep '^Usage records: 1000 approved$'
}
# The client alone: it loads, and nothing of the sandbox is there.
client_from_tree() {
  from_tree "$LUA" -e 'assert(require("cloudblue.connect").ConnectClient)
    assert(not pcall(require, "cloudblue.connect.sandbox") and not pcall(require, "cloudblue.connect.command"))' &&
    [ ! -e "$rock/tree/bin/connect-usage" ]
}
lua_files() { (cd "$1" && find cloudblue -type f | LC_ALL=C sort); }
same_lua_files() { [ "$(lua_files lua)" = "$(lua_files "$rock/tree/share/lua/5.4")" ]; }
# The sandbox alone, in another tree: it serves without the client and the command.
sandbox_alone() {
  cd "$rock/source" && rocks --tree="$rock/alone" make "$sandbox" && cd "$rock/none" &&
    env LUA_PATH_5_4="$rock/alone/share/lua/5.4/?.lua;;" LUA_CPATH_5_4=";;" "$LUA" -e '
      local running <close> = assert(require("cloudblue.connect.sandbox").start { records = 5 })
      assert(running:counts().approved == 5)
      assert(not pcall(require, "cloudblue.connect.command"))' &&
    [ ! -e "$rock/alone/share/lua/5.4/cloudblue/connect/init.lua" ] && [ ! -e "$rock/alone/lib/lua/5.4/cloudblue" ] &&
    [ ! -e "$rock/alone/bin" ]
}
# What a shared library shows to others: the function that Lua calls, and nothing that could meet a namesake.
exports_one_symbol() {
  symbols=$(nm -D --defined-only "$1" | awk '{ print $3 }')
  echo "$symbols"
  [ "$symbols" = luaopen_cloudblue_connect_core ]
}

# tap.sh runs commands, not functions: they go by way of this file.
if [ $# -gt 0 ]; then "$@"; exit; fi
set -- sh tools/parts/rock.sh

check "prepare a copy and a LuaRocks of its own" "$@" prepare
check "luarocks make, the client" "$@" make_rock "$client"
check "the client, from the rock's tree" "$@" client_from_tree
check "luarocks make, the sandbox" "$@" make_rock "$sandbox"
check "luarocks make, the command" "$@" make_rock "$command"
check "the rocks have every Lua file" "$@" same_lua_files
check "the rock's module exports one symbol" "$@" exports_one_symbol "$rock/tree/lib/lua/5.4/cloudblue/connect/core.so"
check "make" $MAKE -s all
check "make's module exports one symbol" "$@" exports_one_symbol "$BUILD/lib/cloudblue/connect/core.so"
check "the demo, from the rock's tree" "$@" close_from_tree
check "connect-usage, from the rock's tree" "$@" command_from_tree
check "connect-usage list, close and status, from the rock's tree" "$@" use_from_tree
check "connect-usage sandbox, from the rock's tree" "$@" serve_from_tree
check "the sandbox's rock alone" "$@" sandbox_alone
check "luarocks test" "$@" run_busted
