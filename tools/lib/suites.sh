# shellcheck shell=bash disable=SC2154 # the colours are those of ui.sh
# Runs the test suites and keeps count. To be sourced, after ui.sh and files.sh.
#
# $results has one line for each suite: name, passed, failed, skipped, seconds. $failures has what failed cases printed.

readonly test_logs=build/test-logs
readonly results=$test_logs/results failures=$test_logs/failures

begin_counting() {
  rm -rf "$test_logs"
  mkdir -p "$test_logs"
  : >"$results"
  : >"$failures"
}

# record SUITE PASSED FAILED SKIPPED SECONDS
record() {
  local colour=$ui_green
  (($3 == 0)) || colour=$ui_red
  printf '%s %d %d %d %d\n' "$@" >>"$results"
  printf '    %s%-18s%s %5d passed, %d failed, %d skipped %s(%d s)%s\n' "$colour" "$1" "$ui_off" "$2" "$3" "$4" "$ui_dim" "$5" "$ui_off"
}

# record_checks SUITE COMMAND…: a command that prints `ok   name` or `FAIL name` for each of its cases.
record_checks() {
  local suite=$1 log=$test_logs/$1.log started=$SECONDS status=0 passed failed
  shift
  with_progress "$suite" "$log" "$@" || status=$?
  passed=$(grep -c '^ok   ' "$log") || true
  failed=$(grep -c '^FAIL ' "$log") || true
  if ((failed == 0 && (status != 0 || passed == 0))); then failed=1; fi
  ((failed == 0)) || { say "$suite:"; grep -v '^ok   ' "$log" | sed 's/^/    | /'; } >>"$failures"
  record "$suite" "$passed" "$failed" 0 $((SECONDS - started))
}

# What a build failed with has been shown already; it counts as one failed case.
record_failed_build() {
  say "build $1: failed, see above and build/$1/build.log" >>"$failures"
  record "$1/build" 0 1 0 0
}

# sanitizer_environment PRESET: reports with source lines; nothing is overlooked or repaired silently.
sanitizer_environment() {
  [[ $1 == asan || $1 == tsan || $1 == fuzz ]] || return 0
  ASAN_SYMBOLIZER_PATH=$(command -v llvm-symbolizer-16) || true
  export ASAN_SYMBOLIZER_PATH TSAN_SYMBOLIZER_PATH=$ASAN_SYMBOLIZER_PATH UBSAN_SYMBOLIZER_PATH=$ASAN_SYMBOLIZER_PATH
  export ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS="second_deadlock_stack=1:suppressions='$PWD/tests/unit/storage/tsan.supp'"
}

# run_ctest PRESET [FILTER…]: every C++ test, or those whose program's name contains one of the filters.
run_ctest() {
  local preset=$1 folder=build/$1 log=$test_logs/$1 status=0 failed_before suite counts
  shift
  local timeout=300
  [[ -z ${BOBBIN_TEST_LONG:-} ]] || timeout=7200
  local arguments=(--test-dir "$folder" --parallel "$(nproc)" --timeout "$timeout" --no-tests=error)
  if (($# > 0)); then
    arguments+=(-R "$(IFS='|'; printf '%s' "$*")")
    [[ $(ctest "${arguments[@]}" -N 2>/dev/null) =~ 'Total Tests: 0' ]] && return 0
  fi
  failed_before=$(total_failed)
  (sanitizer_environment "$preset"; with_progress "$preset: C++ tests" "$log/ctest.log" ctest "${arguments[@]}") || status=$?
  cp "$folder/Testing/Temporary/LastTest.log" "$log/ctest-output.log" 2>/dev/null || : >"$log/ctest-output.log"
  awk -v failures="$log/ctest-failures" -f tools/lib/ctest_results.awk "$log/ctest-output.log" | sort >"$log/ctest-results"
  while read -r suite counts; do
    # shellcheck disable=SC2086 # four numbers
    record "$preset/$suite" $counts
  done <"$log/ctest-results"
  if [[ -s $log/ctest-failures ]]; then sed "s|^\([^ ]\)|$preset/\1|" "$log/ctest-failures" >>"$failures"; fi
  if ((status != 0)) && (($(total_failed) == failed_before)); then
    { say "$preset/ctest: failed as a whole"; tail -n 40 "$log/ctest.log" | sed 's/^/    | /'; } >>"$failures"
    record "$preset/ctest" 0 1 0 0
  fi
}

# node_test_files FOLDER [FILTER…]
node_test_files() {
  local folder=$1 filter file
  shift
  project_files "$folder" | grep -E '(^|[._-])test\.m?js$' | while IFS= read -r file; do
    (($# > 0)) || { printf '%s\n' "$file"; continue; }
    for filter in "$@"; do
      if [[ $file == *"$filter"* ]]; then printf '%s\n' "$file"; break; fi
    done
  done
}

# run_e2e, run_fault PRESET [FILTER…]: tests of build/PRESET/bobbin from outside, or the files whose path contains a filter.
run_e2e() { run_node_tests e2e "end-to-end tests" 900 "$@"; }
run_fault() {
  local seconds_max=900
  [[ -z ${BOBBIN_TEST_LONG:-} ]] || seconds_max=21600
  run_node_tests fault "fault tests" "$seconds_max" "$@"
}

# run_node_tests SUITE TITLE SECONDS PRESET [FILTER…]: the tests in tests/SUITE.
run_node_tests() {
  local suite=$1 title=$2 seconds_max=$3 preset=$4 log=$test_logs/$4 started=$SECONDS status=0
  local passed failed skipped files reports
  shift 4
  mapfile -t files < <(node_test_files "tests/$suite" "$@")
  ((${#files[@]} > 0)) || return 0
  mkdir -p "$log"
  : >"$log/$suite.tap"
  (
    sanitizer_environment "$preset"
    # Reports of servers that tests started would be lost among the tests' own output.
    for variable in ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS; do
      [[ -z ${!variable:-} ]] || export "$variable=${!variable}:log_path='$PWD/$log/sanitizer-$suite'"
    done
    export BOBBIN_BIN=$PWD/build/$preset/bobbin
    with_progress "$preset: $title" "$log/$suite.log" timeout --kill-after=10 "$seconds_max" \
      node --test --test-concurrency=2 --test-reporter=tap "--test-reporter-destination=$log/$suite.tap" \
      --test-reporter=spec --test-reporter-destination=stdout "${files[@]}"
  ) || status=$?
  passed=$(tap_total "$log/$suite.tap" pass) skipped=$(tap_total "$log/$suite.tap" "skipped|tod[o]")
  failed=$(tap_total "$log/$suite.tap" "fail|cancelled")
  if ((failed == 0 && (status != 0 || passed == 0))); then failed=1; fi
  reports=("$log/sanitizer-$suite".*)
  if [[ -e ${reports[0]} ]]; then
    failed=$((failed + ${#reports[@]}))
    { say "$preset/$suite: the sanitizer found:"; head -n 60 "${reports[@]}" | sed 's/^/    | /'; } >>"$failures"
  fi
  if ((status != 0)); then
    { say "$preset/$suite: (status $status)"; node_failures "$log/$suite.log" | sed 's/^/    | /'; } >>"$failures"
  fi
  record "$preset/$suite" "$passed" "$failed" "$skipped" $((SECONDS - started))
}

# tap_total FILE NAMES: the sum of those of Node's closing counters, NAMES being separated by |.
tap_total() { awk -v names="^($2)\$" '/^# [a-z]+ [0-9]+$/ && $2 ~ names { n += $3 } END { print n + 0 }' "$1"; }

# What Node repeats at its end about failed tests; where it died before that, its last lines.
node_failures() {
  if grep -q 'failing tests:' "$1"; then sed -n '/failing tests:/,$p' "$1" | head -n 300; else tail -n 60 "$1"; fi
}

total_failed() { awk '{ n += $3 } END { print n + 0 }' "$results"; }

# The failed cases' output, and the closing line; true where nothing failed and something passed.
print_closing() {
  if [[ -s $failures ]]; then
    step "what failed (all logs: $test_logs)"
    cat "$failures"
  fi
  awk '{ passed += $2; failed += $3; skipped += $4 }
    END {
      printf "%d passed, %d failed%s\n", passed, failed, skipped ? sprintf(", %d skipped", skipped) : ""
      exit failed > 0 || passed == 0
    }' "$results"
}
