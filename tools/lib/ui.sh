# shellcheck shell=bash disable=SC2034 # used by those that source it
# How the commands talk: colour and a moving progress line where a terminal is attached, plain lines elsewhere.
# To be sourced.

if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
  ui_terminal=1 ui_bold=$'\e[1m' ui_green=$'\e[32m' ui_red=$'\e[31m' ui_dim=$'\e[2m' ui_off=$'\e[0m' ui_clear=$'\r\e[K'
else
  ui_terminal='' ui_bold='' ui_green='' ui_red='' ui_dim='' ui_off='' ui_clear=''
fi
readonly ui_progress_seconds=30 # between two lines of progress where no terminal is attached
readonly ui_tail_lines=60       # of a failed command's output

say() { printf '%s\n' "$*"; }
step() { printf '%s==>%s %s\n' "$ui_bold" "$ui_off" "$*"; }

# fail WHAT [NEXT]: what is wrong and what to do next, on standard error; ends the command.
fail() {
  printf '%s%s:%s %s\n' "$ui_red" "${0##*/}" "$ui_off" "$1" >&2
  (($# < 2)) || printf '  %s\n' "${@:2}" >&2
  exit 1
}

# with_progress TITLE LOG COMMAND…: runs the command with its output in LOG and its newest line as progress; returns its status.
with_progress() {
  local title=$1 log=$2 status=0
  shift 2
  mkdir -p "$(dirname "$log")"
  "$@" </dev/null 2>&1 | tee "$log" | show_progress "$title" || status=$?
  printf '%s' "$ui_clear"
  return "$status"
}

# The same, and then says how it went; after a failure with what LOG says about it.
logged() {
  local status=0 started=$SECONDS
  with_progress "$@" || status=$?
  if ((status == 0)); then
    printf '    %s %s(%d s)%s\n' "$1" "$ui_dim" "$((SECONDS - started))" "$ui_off"
    return 0
  fi
  printf '    %s: %sfailed%s (status %d). From %s:\n' "$1" "$ui_red" "$ui_off" "$status" "$2"
  end_of_log "$2" | sed 's/^/    | /'
  return "$status"
}

# From the first failed step of a build; else the last lines.
end_of_log() {
  if grep -q '^FAILED: ' "$1"; then sed -n '/^FAILED: /,$p' "$1" | head -n "$ui_tail_lines"; else tail -n "$ui_tail_lines" "$1"; fi
}

# Copies the newest line of standard input onto the progress line; without a terminal, one line every 30 s.
show_progress() {
  local title=$1 line width shown_at=$SECONDS
  width=$((${COLUMNS:-$(tput cols 2>/dev/null || echo 80)} - ${#title} - 8))
  while IFS= read -r line; do
    if [[ $ui_terminal ]]; then
      line=${line//[[:cntrl:]]/}
      printf '%s    %s: %s%s%s' "$ui_clear" "$title" "$ui_dim" "${line:0:$((width > 0 ? width : 0))}" "$ui_off"
    elif ((SECONDS - shown_at >= ui_progress_seconds)); then
      shown_at=$SECONDS
      printf '    %s: %s\n' "$title" "$line"
    fi
  done
}
