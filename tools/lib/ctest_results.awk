# Reads CTest's LastTest.log; -v failures=FILE receives what failed programs printed.
# Prints one line for each suite (the folder under tests/): name, passed, failed, skipped, seconds.
#
# A case is one of cmocka's. A program that ends badly without naming a failed case (a crash, a time-out, a leak found at the
# end) counts as one failed case, so nothing that went wrong can be counted as passed; one without cases counts as one.

/^[0-9]+\/[0-9]+ Test: / { begin_program($3); next }
/^Directory: / && !in_output { suite = suite_of($2); next }
/^Output:$/ && !in_output { in_output = 1; next }
/^<end of output>$/ { in_output = 0; next }
in_output && /\[ RUN      \]/ { running = $NF; next }
in_output && running != "" && /\[       OK \]/ { passed++; running = ""; next }
in_output && running != "" && /\[  SKIPPED \]/ { skipped++; running = ""; next }
in_output && running != "" && /\[  FAILED  \]/ { failed++; names = names " " running; running = ""; next }
in_output && !/^-+$/ { if (++kept <= 400) text = text "    | " $0 "\n"; next }
/^Test time = / { seconds = $4; next }
/^Test (Passed|Failed|Skipped|Not Run)/ { end_program($2 ~ /^Passed/) }

function begin_program(name) {
  program = name; suite = "other"; running = names = text = ""
  passed = failed = skipped = kept = seconds = in_output = 0
}

# The last build/<preset>/tests/ of the path counts: a clone may itself lie in a folder called tests.
function suite_of(path) {
  if (!sub(/^.*\/build\/[^\/]+\/tests\//, "", path)) return "other"
  sub(/\/.*/, "", path)
  return path
}

function end_program(good) {
  if (good && passed + failed + skipped == 0) passed = 1
  if (!good && failed == 0) {
    failed = 1
    names = running == "" ? " (ended badly, see below)" : " " running " (the program died in it)"
  }
  if (!good || failed > 0) printf "%s/%s:%s\n%s", suite, program, names, text >failures
  suites[suite] = 1
  total_passed[suite] += passed; total_failed[suite] += failed; total_skipped[suite] += skipped
  total_seconds[suite] += seconds
}

END {
  for (suite in suites)
    printf "%s %d %d %d %.0f\n", suite, total_passed[suite], total_failed[suite], total_skipped[suite], total_seconds[suite]
}
