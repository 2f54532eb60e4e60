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

# side_by_side COUNT NAME FILES COMMAND... : the stream of a command that takes files as its last arguments, in so many
# processes side by side, among which the files are dealt out: there are at least as many. FILES is a list without blanks
# in the names. What specs share is made before.
side_by_side() {
  check "what specs share" sh tools/with-env.sh "$LUA" -e \
    'require("spec.support.certs").make() require("spec.support.locales").environment()'
  beside_count=$1
  beside_name=$2
  beside_files=$3
  shift 3
  beside_out=$(mktemp -d)
  for share in $(seq "$beside_count"); do
    (stream "$beside_name" "$@" $(printf '%s\n' $beside_files |
      awk -v share="$share" -v count="$beside_count" 'NR % count == share % count')) >"$beside_out/$share" 2>&1 &
  done
  wait
  cat "$beside_out"/*
  rm -rf "$beside_out"
}

# specs_of_c : the specs that have something to tell to who looks at memory. What is Lua alone is left to the part busted,
# and so are hosts and commands that are programs of their own, and the pages: they build a tree of their own.
specs_of_c() {
  for spec_file in spec/*_spec.lua; do
    case ${spec_file#spec/} in
    pages_* | sandbox_* | rql_* | meta_* | promises_* | changelog_* | rockspec_* | mutation_* | loop_prosody_* | \
      lighttpd_* | command_* | usage_run_* | closing_ledger_*) ;;
    *) echo "$spec_file" ;;
    esac
  done
}
