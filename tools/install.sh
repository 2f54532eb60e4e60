#!/bin/sh
# install.sh install|client|sandbox|uninstall : puts the modules and the command below $DESTDIR$PREFIX, only the
# modules of the client or of the sandbox and the command, as their rocks have them, or takes all of it away again.
# LUADIR and LIBDIR say where Lua files and C modules go when not to PREFIX's folders for the version of $LUA. A
# relative PREFIX is below the folder of the sources.
set -eu
cd "$(dirname "$0")/.."

absolute() { case $1 in /*) echo "$1" ;; *) echo "$(pwd)/$1" ;; esac; }

version=$("$LUA" -e 'print((_VERSION:match("%d+%.%d+")))')
prefix=$(absolute "$PREFIX")
luadir=${LUADIR:-$prefix/share/lua/$version}
libdir=${LIBDIR:-$prefix/lib/lua/$version}
to_luadir=${DESTDIR-}$luadir
to_libdir=${DESTDIR-}$libdir
to_bindir=${DESTDIR-}$prefix/bin

lua_files() { (cd lua && find cloudblue -name '*.lua'); }
# The sandbox's files, with those of the command; all others are the client's.
SANDBOX='^cloudblue/connect/(sandbox|command)(\.lua|/)'

install_lua() {
  while read -r file; do
    install -d "$to_luadir/$(dirname "$file")"
    install -m 644 "lua/$file" "$to_luadir/$file"
  done
}

install_client() {
  lua_files | grep -Ev "$SANDBOX" | install_lua
  install -d "$to_libdir/cloudblue/connect"
  install -m 755 "$BUILD/lib/cloudblue/connect/core.so" "$to_libdir/cloudblue/connect/core.so"
}

install_sandbox() { lua_files | grep -E "$SANDBOX" | install_lua; }

# The installed command knows where its modules are, so a PREFIX that Lua does not search works too.
install_command() {
  install -d "$to_bindir"
  {
    printf '#!/usr/bin/env %s\n' "$(basename "$LUA")"
    printf 'package.path = [[%s/?.lua;%s/?/init.lua;]] .. package.path\n' "$luadir" "$luadir"
    printf 'package.cpath = [[%s/?.so;]] .. package.cpath\n' "$libdir"
    sed 1d bin/connect-usage
  } >"$to_bindir/connect-usage"
  chmod 755 "$to_bindir/connect-usage"
}

uninstall() {
  lua_files | while read -r file; do rm -f "$to_luadir/$file"; done
  rm -f "$to_libdir/cloudblue/connect/core.so" "$to_bindir/connect-usage"
  for dir in "$to_luadir/cloudblue" "$to_libdir/cloudblue"; do
    [ ! -d "$dir" ] || find "$dir" -depth -type d -empty -exec rmdir {} \;
  done
}

case $1 in
  install)
    install_client
    install_sandbox
    install_command
    echo "Installed: $luadir/cloudblue, $libdir/cloudblue, $prefix/bin/connect-usage" ;;
  client) install_client ;;
  sandbox) install_sandbox ;;
  uninstall) uninstall ;;
esac
