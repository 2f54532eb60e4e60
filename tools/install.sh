#!/bin/sh
# install.sh install|client|sandbox|command|uninstall : puts the modules, the command, its manual page and what completes
# its words below $DESTDIR$PREFIX; only the Lua files of the client, the sandbox or the command, as their rocks have
# them; or takes all of it away again. LUADIR and LIBDIR say where Lua files and C modules go when not to PREFIX's
# folders for the version of $LUA. A relative PREFIX is below the folder of the sources.
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
to_share=${DESTDIR-}$prefix/share

lua_files() { (cd lua && find cloudblue -name '*.lua'); }
# Which files are the sandbox's and the command's; all others are the client's.
SANDBOX='^cloudblue/connect/sandbox(\.lua|/)'
COMMAND='^cloudblue/connect/command(\.lua|/)'

install_lua() {
  while read -r file; do
    install -d "$to_luadir/$(dirname "$file")"
    install -m 644 "lua/$file" "$to_luadir/$file"
  done
}

install_client() {
  lua_files | grep -Ev "$SANDBOX|$COMMAND" | install_lua
  install -d "$to_libdir/cloudblue/connect"
  install -m 755 "$BUILD/lib/cloudblue/connect/core.so" "$to_libdir/cloudblue/connect/core.so"
}

install_sandbox() { lua_files | grep -E "$SANDBOX" | install_lua; }
install_command() { lua_files | grep -E "$COMMAND" | install_lua; }

# The installed command knows where its modules are, so a PREFIX that Lua does not search works too.
install_program() {
  install -d "$to_bindir"
  {
    printf '#!/usr/bin/env %s\n' "$(basename "$LUA")"
    printf 'package.path = [[%s/?.lua;%s/?/init.lua;]] .. package.path\n' "$luadir" "$luadir"
    printf 'package.cpath = [[%s/?.so;]] .. package.cpath\n' "$libdir"
    sed 1d bin/connect-usage
  } >"$to_bindir/connect-usage"
  chmod 755 "$to_bindir/connect-usage"
}

# The manual page and the completions: where they go, and what prints each. They are made of what the command itself
# says, so argparse has to be there.
TEXTS='man/man1/connect-usage.1 tools/man.lua
bash-completion/completions/connect-usage bin/connect-usage completion bash
zsh/site-functions/_connect-usage bin/connect-usage completion zsh
fish/vendor_completions.d/connect-usage.fish bin/connect-usage completion fish'

install_texts() {
  "$LUA" -e 'require "argparse"' 2>/dev/null || {
    echo "Without argparse there is no manual page and nothing that completes the command's words." >&2
    return
  }
  echo "$TEXTS" | while read -r file script; do
    install -d "$to_share/$(dirname "$file")"
    sh tools/with-env.sh "$LUA" $script >"$to_share/$file"
    chmod 644 "$to_share/$file"
  done
}

uninstall() {
  lua_files | while read -r file; do rm -f "$to_luadir/$file"; done
  rm -f "$to_libdir/cloudblue/connect/core.so" "$to_bindir/connect-usage"
  echo "$TEXTS" | while read -r file script; do rm -f "$to_share/$file"; done
  for dir in "$to_luadir/cloudblue" "$to_libdir/cloudblue"; do
    [ ! -d "$dir" ] || find "$dir" -depth -type d -empty -exec rmdir {} \;
  done
}

case $1 in
  install)
    install_client
    install_sandbox
    install_command
    install_program
    install_texts
    echo "Installed: $luadir/cloudblue, $libdir/cloudblue, $prefix/bin/connect-usage" ;;
  client) install_client ;;
  sandbox) install_sandbox ;;
  command) install_command ;;
  uninstall) uninstall ;;
esac
