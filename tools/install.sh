#!/bin/sh
# install.sh install|uninstall DESTDIR PREFIX : the module, its Lua files and the command.
set -eu
cd "$(dirname "$0")/.."
what=$1 prefix=$3
dest=$2$3
share=share/lua/5.4 lib=lib/lua/5.4

lua_files() { (cd lua && find cloudblue -name '*.lua'); }

install_all() {
  lua_files | while read -r file; do
    install -d "$dest/$share/$(dirname "$file")"
    install -m 644 "lua/$file" "$dest/$share/$file"
  done
  install -d "$dest/$lib/cloudblue/connect" "$dest/bin"
  install -m 755 "$BUILD/lib/cloudblue/connect/core.so" "$dest/$lib/cloudblue/connect/core.so"
  if [ -f bin/connect-usage ]; then install_command; fi
  echo "Installed below $prefix: $share/cloudblue, $lib/cloudblue, bin/connect-usage"
}

# The installed command knows where its modules are, so a PREFIX that Lua does not search works too,
# and where Debian keeps lua-http.
install_command() {
  {
    sed -n 1p bin/connect-usage
    printf 'package.path = [[%s/?.lua;%s/?/init.lua;]] .. package.path .. [[;%s]]\n' \
      "$prefix/$share" "$prefix/$share" "$(sh tools/older-lua.sh)"
    printf 'package.cpath = [[%s/?.so;]] .. package.cpath\n' "$prefix/$lib"
    sed 1d bin/connect-usage
  } >"$dest/bin/connect-usage"
  chmod 755 "$dest/bin/connect-usage"
}

uninstall_all() {
  lua_files | while read -r file; do rm -f "$dest/$share/$file"; done
  rm -f "$dest/$lib/cloudblue/connect/core.so" "$dest/bin/connect-usage"
  for dir in "$dest/$share/cloudblue" "$dest/$lib/cloudblue"; do
    [ ! -d "$dir" ] || find "$dir" -depth -type d -empty -exec rmdir {} \;
  done
}

case $what in
  install) install_all ;;
  uninstall) uninstall_all ;;
esac
