# Sourced by the parts of the tests (tools/parts). What a part prints is in TAP, in streams between
# a line "## begin NAME" and a line "## end NAME STATUS", which tap-count.awk adds up.

# stream NAME COMMAND... : a command that writes TAP itself (busted, cmocka). Bounded in time, so
# that a hang is a failure and not a stuck run.
stream() {
  stream_name=$1
  shift
  echo "## begin $stream_name"
  timeout -k 10 "${LIMIT:-900}" "$@" 2>&1
  echo "## end $stream_name $?"
}

# check NAME COMMAND... : a command that is one test; what it printed is shown where it failed.
check() {
  check_name=$1
  shift
  echo "## begin $check_name"
  echo 1..1
  check_log=$(mktemp)
  if timeout -k 10 "${LIMIT:-900}" "$@" >"$check_log" 2>&1 </dev/null; then
    echo "ok 1 - $check_name"
  else
    echo "not ok 1 - $check_name"
    sed 's/^/# /' "$check_log"
  fi
  rm -f "$check_log"
  echo "## end $check_name 0"
}

# halves NAME FILES COMMAND... : the stream of a command that takes files as its last arguments, in two processes side by
# side, each with every other file. FILES is a list without blanks in the names. What specs share is made before.
halves() {
  check "what specs share" sh tools/with-env.sh "$LUA" -e \
    'require("spec.support.certs").make() require("spec.support.locales").environment()'
  halves_name=$1
  halves_files=$2
  shift 2
  halves_out=$(mktemp -d)
  for half in 0 1; do
    (stream "$halves_name" "$@" $(printf '%s\n' $halves_files | awk -v half="$half" 'NR % 2 == half')) \
      >"$halves_out/$half" 2>&1 &
  done
  wait
  cat "$halves_out/0" "$halves_out/1"
  rm -rf "$halves_out"
}
