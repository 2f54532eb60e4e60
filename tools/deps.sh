#!/bin/sh
# deps.sh SET... : sees to it that the packages of these sets (tools/packages.txt) are installed.
# On Debian and its kin the missing ones are installed with apt-get, with sudo where not root;
# elsewhere they are named. Asks nothing of the network when nothing is missing.
set -eu
cd "$(dirname "$0")/.."

# Lines "package probe" of the sets asked for.
wanted() {
  awk -F ' *[|] *' -v sets=" $* " '
    /^#/ || NF < 4 { next }
    index(sets, " " $2 " ") && !seen[$1]++ { print $1, $3 }' tools/packages.txt
}

installed_by_dpkg() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

present_by_probe() {
  case $1 in
    cmd:*) command -v "${1#cmd:}" >/dev/null 2>&1 ;;
    pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
    h:*) echo "#include <${1#h:}>" | cc -E - >/dev/null 2>&1 ;;
    lua:*) ${LUA:-lua5.4} -e "require '${1#lua:}'" >/dev/null 2>&1 ;;
  esac
}

debian() { command -v apt-get >/dev/null 2>&1 && command -v dpkg-query >/dev/null 2>&1; }

missing() {
  wanted "$@" | while read -r package probe; do
    if debian; then installed_by_dpkg "$package" || echo "$package"
    else present_by_probe "$probe" || echo "$package"
    fi
  done
}

list=$(missing "$@" | tr '\n' ' ')
[ -n "$list" ] || exit 0

if ! debian; then
  echo "Please install these first (the names are Debian's): $list" >&2
  exit 1
fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
  as_root=sudo
  command -v sudo >/dev/null 2>&1 || { echo "Please install as root: $list" >&2; exit 1; }
fi
echo "Installing: $list"
export DEBIAN_FRONTEND=noninteractive
apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@"; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt update && apt install --no-install-recommends $list; } >"$log" 2>&1; then
  cat "$log" >&2
  echo "These packages could not be installed: $list" >&2
  exit 1
fi
