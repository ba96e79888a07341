# shellcheck shell=bash
# The checks that take seconds. Each prints the faults it finds and is true where there are none. To be sourced, after files.sh.

tools_lib=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly tools_lib
readonly lines_max=500 # where a file wants a seam

cpp_files() { project_files '*.h' '*.cpp'; }
code_files() {
  project_files '*.h' '*.cpp' '*.mjs' '*.js' '*.html' '*.css' '*.cmake' '*CMakeLists.txt' 'tools/*' '.ci/*' |
    grep -v -E '(^|/)(corpus|fixtures|vendor)/' || true
}

# no_match FILES GREP-ARGUMENT…: true where grep finds nothing in the files listed by the function FILES.
no_match() {
  local list=$1 found
  shift
  found=$("$list" | tr '\n' '\0' | xargs -0r grep -nH "$@") || true
  [[ -z $found ]] || { printf '%s\n' "$found"; return 1; }
}

check_format() { cpp_files | tr '\n' '\0' | xargs -0r clang-format-16 --dry-run -Werror 2>&1; }

check_include_direction() {
  cpp_files | tr '\n' '\0' | xargs -0r grep -nHE '^[[:space:]]*#[[:space:]]*include' |
    awk -f "$tools_lib/include_direction.awk" "$tools_lib/include_rules" -
}

headers() { project_files '*.h'; }
check_no_using_namespace_in_headers() { no_match headers -E '^[[:space:]]*using[[:space:]]+namespace\b'; }

check_pragma_once() {
  local without
  without=$(headers | tr '\n' '\0' | xargs -0r grep -L '^#pragma once$') || true
  [[ -z $without ]] || { printf '%s: has no #pragma once\n' "$without"; return 1; }
}

# Every folder of the rules that has files opens with a README.
check_readmes() {
  local folder status=0
  while read -r folder; do
    if [[ -d $folder && -n $(project_files "$folder") && ! -f $folder/README.md ]]; then
      printf '%s: has no README.md (what it is, key types, where to look)\n' "$folder"
      status=1
    fi
  done < <(awk '$1 == "folder" { print $2 }' "$tools_lib/include_rules")
  return "$status"
}

# Words that people leave where work is unfinished.
check_finished() {
  local marks='TO''DO|FIX''ME|XX''X|HA''CK' phrases='not (yet )?imple''mented|place''holder|for n''ow|st''ub(bed)?|dum''my' found
  found=$({
    code_files | tr '\n' '\0' | xargs -0r grep -nHwE "($marks)"
    # The name of status 501, and an attribute of HTML and its style, are called like that.
    code_files | tr '\n' '\0' | xargs -0r grep -nHiwE "($phrases)" | grep -vE "\"Not Imple""mented|(::|\.)?place""holder( ?=| \{)"
  }) || true
  [[ -z $found ]] || { printf '%s\n' "$found" | cut -c1-160; return 1; }
}

check_shell_syntax() {
  local script status=0
  while IFS= read -r script; do bash -n "$script" 2>&1 || status=1; done < <(shell_scripts)
  return "$status"
}

# A remark, not a fault: a long file may be right.
remark_long_files() {
  code_files | tr '\n' '\0' | xargs -0r wc -l |
    awk -v max="$lines_max" '$2 != "total" && $1 > max { printf "note %s has %d lines: look for a seam\n", $2, $1 }'
}

# report_case NAME COMMAND…: prints `ok   name` or `FAIL name` and, below it, what the command printed.
report_case() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    printf '%sok%s   %s\n' "${ui_green:-}" "${ui_off:-}" "$name"
    return 0
  fi
  printf '%sFAIL%s %s\n' "${ui_red:-}" "${ui_off:-}" "$name"
  printf '%s\n' "$output" | head -n 100 | sed 's/^/     /'
  return 1
}

quick_checks() {
  local status=0
  report_case "format (clang-format-16 -i FILE mends it)" check_format || status=1
  report_case "include direction" check_include_direction || status=1
  report_case "headers have no using namespace" check_no_using_namespace_in_headers || status=1
  report_case "headers have #pragma once" check_pragma_once || status=1
  report_case "folders have a README.md" check_readmes || status=1
  report_case "no words of unfinished work" check_finished || status=1
  report_case "shell scripts parse" check_shell_syntax || status=1
  remark_long_files
  return "$status"
}
