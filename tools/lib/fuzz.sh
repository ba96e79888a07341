# shellcheck shell=bash disable=SC2154 # the colours are those of ui.sh
# Runs the fuzz targets of build/fuzz. To be sourced, after ui.sh and suites.sh.
#
# tests/fuzz/seeds/NAME and tests/fuzz/corpus/NAME are where a target begins; what it finds on its way goes to build/fuzz/corpus/NAME,
# and an input that ends it to $fuzz_artifacts.

readonly fuzz_programs=build/fuzz/tests/fuzz fuzz_artifacts=build/test-artifacts/fuzz fuzz_logs=build/test-logs/fuzz
readonly fuzz_canary_seconds_max=60

# fuzz_targets [FILTER…]: the lines of tests/fuzz/targets without comments, or those whose name is one of the filters.
fuzz_targets() {
  grep '^[a-z]' tests/fuzz/targets | while read -r name rest; do
    (($# == 0)) || [[ " $* " == *" $name "* ]] || continue
    printf '%s %s\n' "$name" "$rest"
  done
}

# run_fuzz SECONDS [NAME…]: each target for so long, as many at once as there are cores; one `ok   name` or `FAIL name` for each.
run_fuzz() {
  local seconds=$1 status=0
  shift
  mkdir -p "$fuzz_artifacts" "$fuzz_logs"
  sanitizer_environment fuzz
  export -f fuzz_target fuzz_say fuzz_canary
  export fuzz_programs fuzz_artifacts fuzz_logs fuzz_canary_seconds_max
  # shellcheck disable=SC2016 # expanded by the inner shell
  fuzz_targets "$@" | awk '{ print $1, $2, $3 }' |
    xargs -r -P "$(nproc)" -L 1 bash -c 'fuzz_target "$@"' fuzz "$seconds" || status=1
  return "$status"
}

# fuzz_suite SECONDS [NAME…]: builds the targets and runs them as one suite.
fuzz_suite() {
  if build fuzz fuzz_targets; then
    record_checks fuzz run_fuzz "$@"
  else
    record_failed_build fuzz
  fi
}

# fuzz_target SECONDS NAME BYTES_MAX DICTIONARY. Never status 255, at which xargs ends early.
fuzz_target() {
  local seconds=$1 name=$2 bytes_max=$3 dictionary=$4 folder folders=() options=() status=0
  local log=$fuzz_logs/$name.log found=build/fuzz/corpus/$name
  if [[ $name == canary ]]; then fuzz_canary "$bytes_max"; return; fi
  mkdir -p "$found"
  folders=("$found")
  for folder in tests/fuzz/seeds/$name tests/fuzz/corpus/$name; do
    [[ ! -d $folder ]] || folders+=("$folder")
  done
  [[ $dictionary == - ]] || options=("-dict=tests/fuzz/dictionaries/$dictionary.dict")
  nice "$fuzz_programs/fuzz_$name" -max_total_time="$seconds" -max_len="$bytes_max" -timeout=20 -rss_limit_mb=3072 \
    -print_final_stats=1 -artifact_prefix="$fuzz_artifacts/$name-" ${options[@]+"${options[@]}"} "${folders[@]}" >"$log" 2>&1 || status=1
  fuzz_say "$name" "$status" "$log"
}

# The target with the planted fault: not to find it is the failure.
fuzz_canary() {
  local log=$fuzz_logs/canary.log folder=build/fuzz/canary
  rm -rf "$folder"
  mkdir -p "$folder/corpus" # libFuzzer writes into the first folder that it is given
  nice "$fuzz_programs/fuzz_canary" -max_total_time="$fuzz_canary_seconds_max" -max_len="$1" -artifact_prefix="$folder/" \
    "$folder/corpus" tests/fuzz/seeds/canary >"$log" 2>&1 || true
  if grep -q 'ERROR: AddressSanitizer: heap-buffer-overflow' "$log"; then
    printf 'ok   canary: its fault was found\n'
    return 0
  fi
  printf 'FAIL canary: its fault was not found in %d s, so nothing else would be (%s)\n' "$fuzz_canary_seconds_max" "$log"
  tail -n 20 "$log" | sed 's/^/     /'
  return 1
}

# fuzz_say NAME STATUS LOG
fuzz_say() {
  local executions artifact
  executions=$(awk '$1 == "stat::number_of_executed_units:" { print $2 }' "$3")
  if (($2 == 0)) && ((${executions:-0} > 0)); then
    printf 'ok   %s (%d inputs)\n' "$1" "$executions"
    return 0
  fi
  printf 'FAIL %s\n' "$1"
  artifact=$(sed -n 's/^artifact_prefix=.*Test unit written to //p' "$3" | tail -n 1)
  if [[ -n $artifact ]]; then
    printf '     the input is kept: %s\n     again: %s %s\n' "$artifact" "$fuzz_programs/fuzz_$1" "$artifact"
  fi
  grep -v -E '^(#[0-9]|NEW_FUNC|INFO)' "$3" | head -n 60 | sed 's/^/     /'
  return 1
}

# merge_fuzz [NAME…]: the smallest set of inputs that reaches as much as all that were found, into tests/fuzz/corpus. Short ones: none
# above 512 bytes, and none that the seeds make needless.
merge_fuzz() {
  local name bytes_max rest seeds merged
  sanitizer_environment fuzz
  while read -r name bytes_max rest; do
    [[ $name != canary ]] || continue
    seeds=tests/fuzz/seeds/$name merged=build/fuzz/merged/$name
    rm -rf "$merged"
    mkdir -p "$merged" "tests/fuzz/corpus/$name" "build/fuzz/corpus/$name"
    cp "$seeds"/* "$merged"
    "$fuzz_programs/fuzz_$name" -merge=1 -use_value_profile=0 -max_len="$((bytes_max < 512 ? bytes_max : 512))" "$merged" "tests/fuzz/corpus/$name" \
      "build/fuzz/corpus/$name" >"$fuzz_logs/$name-merge.log" 2>&1 || { printf 'FAIL %s: see %s\n' "$name" "$fuzz_logs/$name-merge.log"; return 1; }
    for seed in "$seeds"/*; do rm -f "$merged/${seed##*/}"; done
    rm -rf "tests/fuzz/corpus/$name"
    mkdir -p "tests/fuzz/corpus/$name"
    find "$merged" -type f -exec mv -t "tests/fuzz/corpus/$name" {} +
    printf 'ok   %s: %d inputs\n' "$name" "$(find "tests/fuzz/corpus/$name" -type f | wc -l)"
  done < <(fuzz_targets "$@")
}
