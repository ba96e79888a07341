# shellcheck shell=bash
# The linters: clang-tidy-16 by .clang-tidy, and shellcheck. To be sourced, after files.sh and quick_checks.sh.

# run_tidy BUILD-FOLDER REV: one `ok   file` or `FAIL file` for each source in the compilation database; with REV only for
# those that differ from it, or include a header that does.
run_tidy() {
  local folder=$1 revision=$2 sources status=0
  mapfile -t sources < <(tidy_sources "$revision" | while IFS= read -r file; do
    ! grep -qF "\"file\": \"$PWD/$file\"" "$folder/compile_commands.json" || printf '%s\n' "$file"
  done)
  if ((${#sources[@]} == 0)); then printf 'ok   nothing to do\n'; return; fi
  export -f tidy_one report_case
  export ui_green='' ui_red='' ui_off=''
  # shellcheck disable=SC2016 # expanded by the inner shell
  printf '%s\0' "${sources[@]}" | xargs -0 -P "$(nproc)" -n 1 bash -c 'report_case "$2" tidy_one "$1" "$2"' tidy "$folder" || status=1
  return "$status"
}

# xargs ends early at status 255, which a crashed linter must not give.
tidy_one() { clang-tidy-16 -p "$1" --quiet "$2" 2>/dev/null || return 1; }

tidy_sources() {
  local revision=$1 changed
  if [[ -z $revision ]]; then project_files '*.cpp'; return; fi
  changed=$({ git diff --name-only "$revision" -- '*.h' '*.cpp'; git ls-files --others --exclude-standard -- '*.h' '*.cpp'; } | sort -u)
  {
    grep '\.cpp$' <<<"$changed" || true
    grep '\.h$' <<<"$changed" | sed 's/.*/#include "&"/' | project_files_with '*.cpp' || true
  } | sort -u
}

# project_files_with PATTERN: the files that contain one of the lines on standard input.
project_files_with() { project_files "$1" | tr '\n' '\0' | xargs -0r grep -lF -f /dev/fd/3 3<&0; }

run_shellcheck() { shell_scripts | tr '\n' '\0' | xargs -0r shellcheck --external-sources --source-path="$PWD"; }
