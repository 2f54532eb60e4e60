#!/bin/sh
# run.sh [ROW...] : the benchmark, one row after another (bench/rows; all of them by default).
#
# What it does: starts an nginx of its own on a free loopback port, runs the programs of a row in
# turn, several rounds, and prints what compare.lua makes of it: medians and ratios, never a bare
# time to be compared with one from another day. Exits 1 where a row misses what it has to reach.
#
# ROUNDS=7 and COUNT=20000 make it longer or shorter.
set -eu
cd "$(dirname "$0")/.."
: "${BUILD:=build}" "${LUA:=lua5.4}" "${MAKE:=make}"
export BUILD LUA
[ $# -gt 0 ] || set -- close paging normalise parallel slow flight http2 bulk bulkslow loops

stop_server() { [ ! -f "$BUILD/bench/nginx/pid" ] || kill "$(cat "$BUILD/bench/nginx/pid")"; }
trap stop_server EXIT
trap 'exit 130' INT TERM

mkdir -p "$BUILD/bench"
compile() { # SOURCE FLAG...
  source=$1
  shift
  ${CC:-cc} -std=c11 -O2 -D_DEFAULT_SOURCE -Wall -Wextra $(ask CURL_CFLAGS) \
    -o "$BUILD/bench/$(basename "$source" .c)" "$source" "$@" $(ask CURL_LIBS)
}
ask() { $MAKE -s "print-$1"; }

# Lua as the stand-alone interpreter has it: in the program itself, where there is a library to do so.
lua_library=$(${CC:-cc} -print-file-name=liblua5.4.a)
case $lua_library in /*) ;; *) lua_library=$(ask LUA_LIBS) ;; esac
with_lua="$(ask LUA_CFLAGS) -Wl,-E $lua_library -lm -ldl"

compile bench/cpu.c
compile bench/slices.c
compile bench/close/close_curl.c
compile bench/parallel/parallel_curl.c
compile bench/paging/paging_curl.c $with_lua
compile bench/normalise/normalise.c $(ask NO_LTO) -Isrc/core -Isrc/binding $(ask BINDING_OBJ) $(ask CORE_OBJ) $with_lua

# The JavaScript SDK from npm, where there is one. Nothing it may run at installation is run.
sdk=$BUILD/bench/sdk
if command -v node >/dev/null && command -v npm >/dev/null && [ ! -d "$sdk/node_modules" ]; then
  mkdir -p "$sdk"
  echo '{"private":true}' >"$sdk/package.json"
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$sdk" \
    @cloudblueconnect/connect-javascript-sdk >"$BUILD/bench/npm.log" 2>&1 || rm -rf "$sdk"
fi

sh tools/with-env.sh "$LUA" bench/compare.lua "$@"
