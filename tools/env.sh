#!/bin/sh
# Prints the shell commands that let Lua 5.4 find the built tree, for eval "$(make -s env)".
# Lua's own default path stays (";;"); behind it come the folders of older-lua.sh.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
case ${BUILD:=build} in /*) ;; *) BUILD=$root/$BUILD ;; esac

# One shell word, whatever is in it.
quote() { printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"; }

lua_path="$root/lua/?.lua;$root/lua/?/init.lua;;$(sh "$root/tools/older-lua.sh")"
printf 'export LUA_PATH=%s\n' "$(quote "$lua_path")"
printf 'export LUA_CPATH=%s\n' "$(quote "$BUILD/lib/?.so;;")"
# Lua prefers the names with a version where they are set.
echo 'unset LUA_PATH_5_4 LUA_CPATH_5_4'
