#!/bin/sh
# Writes the lists of files in the rockspec anew from the tree (spec/rockspec_spec.lua tells when
# they have fallen behind).
set -eu
cd "$(dirname "$0")/.."
spec=rockspec/cloudblue-connect-scm-1.rockspec

c_sources() { ls src/core/*.c src/binding/*.c 2>/dev/null | sed 's/.*/        "&",/'; }

# meta.lua holds annotations for editors; it is shipped like the rest.
lua_modules() {
  (cd lua && find cloudblue -name '*.lua' | LC_ALL=C sort) | while read -r file; do
    module=$(echo "${file%.lua}" | sed 's|/init$||; s|/|.|g')
    printf '    ["%s"] = "lua/%s",\n' "$module" "$file"
  done
}

# replace MARK FILE : the lines between "-- MARK: begin" and "-- MARK: end" become the file's.
replace() {
  awk -v mark="$1" -v file="$2" '
    index($0, "-- " mark ": begin") { print; while ((getline line < file) > 0) print line; skip = 1; next }
    index($0, "-- " mark ": end") { skip = 0 }
    !skip' "$spec" >"$spec.new"
  mv "$spec.new" "$spec"
}

list=$(mktemp)
trap 'rm -f "$list"' EXIT
c_sources >"$list"
replace "C sources" "$list"
lua_modules >"$list"
replace "Lua modules" "$list"
