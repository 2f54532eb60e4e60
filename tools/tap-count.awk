# Adds up the TAP streams of one part (see tap.sh) and prints "PASSED FAILED".
# A skipped test is a failed one. A stream that ran nothing, ran less than it announced, ended with
# an error that no test accounts for, or never came to its end counts as one failure more.

function finish(status) {
  if (seen == 0 || seen != plan || (status != 0 && bad == 0) || status == 124 || status == 137) {
    bad++
    reason[++reasons] = name ": " seen " of " plan " tests, exit status " status
  }
  passed += good
  failed += bad
  open = 0
}

/^## begin / { if (open) finish(-1); open = 1; name = substr($0, 10); seen = good = bad = 0; plan = 0; next }
/^## end /   { finish($NF); next }
/^1\.\.[0-9]+/ { plan += substr($1, 4); next }
/^ok [0-9]+/ { seen++; if (/# *(SKIP|TODO)/) bad++; else good++; next }
/^not ok [0-9]+/ { seen++; bad++; next }

END {
  if (open) finish(-1)
  if (passed + failed == 0) { failed = 1; reason[++reasons] = "no test ran" }
  for (i = 1; i <= reasons; i++) print reason[i] > "/dev/stderr"
  print passed, failed
}
