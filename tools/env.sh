#!/bin/sh
# Prints the shell commands that let $LUA find the built tree, for eval "$(make -s env)". What the shell
# has set itself is kept: our folders go before it, and those of older-lua.sh behind it. Only the variables
# for this version of Lua are set, so that other versions are not led to a module that is not theirs.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
case ${BUILD:=build} in /*) ;; *) BUILD=$root/$BUILD ;; esac
suffix=$("${LUA:-lua5.4}" -e 'print((_VERSION:gsub("%D+", "_")))')

# One shell word, whatever is in it.
quote() { printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"; }

# extend NAME FIRST [LAST] : NAME$suffix with FIRST before what Lua would take now, and LAST behind it.
# Where nothing is set that is ";;", Lua's default path. No other ";;" arises where two parts meet.
extend() {
  eval "now=\${$1$suffix-\${$1-;;}}"
  all=$2
  for part in "$now" "${3-}"; do
    case "$all|$part" in
      *';|'*) all=$all${part#;} ;;
      *'|' | *'|;'*) all=$all$part ;;
      *) all="$all;$part" ;;
    esac
  done
  printf 'export %s=%s\n' "$1$suffix" "$(quote "$all")"
}

extend LUA_PATH "$root/lua/?.lua;$root/lua/?/init.lua" "$(sh "$root/tools/older-lua.sh")"
extend LUA_CPATH "$BUILD/lib/?.so"
printf 'export PATH=%s:"$PATH"\n' "$(quote "$root/bin")"
