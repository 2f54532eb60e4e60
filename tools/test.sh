#!/bin/sh
# test.sh PART... : runs parts of the tests, each a script in tools/parts, shows what failed, and
# ends with a line "N passed, M failed" that holds the sums of the parts' own reports.
# Everything a part printed stays in $BUILD/test/PART.tap. Exits 1 unless nothing failed.
set -u
cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-build}
LUA=${LUA:-lua5.4}
MAKE=${MAKE:-make}
export BUILD LUA MAKE
# The parts start makes of their own; they are no children of the one that started this script.
unset MAKEFLAGS MAKELEVEL MFLAGS
out=$BUILD/test
mkdir -p "$out"
table=$out/table
: >"$table"

# Failures with their details: from a line "not ok" to the next line that starts a test.
show_failures() {
  awk '/^(not ok [0-9]|ok [0-9]|## end)/ { show = /^not ok/ || /# SKIP/ } show' "$1"
}

run_part() {
  part=$1
  log=$out/$part.tap
  printf '%s ...\n' "$part"
  start=$(date +%s)
  sh "tools/parts/$part.sh" >"$log" 2>&1
  status=$?
  [ "$status" -eq 0 ] || echo "## begin the script of $part" >>"$log"
  counts=$(awk -f tools/tap-count.awk "$log" 2>"$out/reasons")
  if [ "${counts#* }" -ne 0 ]; then
    show_failures "$log"
    sed 's/^/# /' "$out/reasons"
    [ ! -s "$out/reasons" ] || { echo "# the end of $log:"; tail -n 25 "$log"; }
  fi
  echo "$part $counts $(($(date +%s) - start))" >>"$table"
}

for part in "$@"; do run_part "$part"; done

echo
awk 'BEGIN { printf "%-10s %8s %8s %8s\n", "part", "passed", "failed", "seconds" }
     { printf "%-10s %8d %8d %8d\n", $1, $2, $3, $4; p += $2; f += $3 }
     END { if (NR == 0) f = 1; printf "\n%d passed, %d failed\n", p, f; exit f > 0 }' "$table"
