# shellcheck shell=bash
# Which files belong to the project. To be sourced.

# project_files [PATTERN…]: tracked files and new ones that are not ignored, by git's path patterns; one per line.
# Outside a clone (a source archive): every file but those of build and node_modules.
project_files() {
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files --cached --others --exclude-standard --deduplicate -- "$@" | while IFS= read -r file; do
      [[ ! -f $file ]] || printf '%s\n' "$file"
    done
    return
  fi
  local file pattern
  while IFS= read -r file; do
    for pattern in "${@:-*}"; do
      # shellcheck disable=SC2053 # the right side is a pattern
      if [[ $file == $pattern || $file == $pattern/* ]]; then
        printf '%s\n' "$file"
        break
      fi
    done
  done < <(find . \( -path ./build -o -path ./data -o -name node_modules \) -prune -o -type f -printf '%P\n' | sort)
}

shell_scripts() {
  project_files tools .ci | while IFS= read -r file; do
    case $file in
    *.sh) printf '%s\n' "$file" ;;
    *) ! head -n 1 "$file" | grep -q '^#!.*\bbash\b' || printf '%s\n' "$file" ;;
    esac
  done
}
