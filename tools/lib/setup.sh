#!/usr/bin/env bash
# Installs what the machine lacks: Debian packages (tools/packages) and, for tests, the npm packages of tests/e2e.
#
#   tools/lib/setup.sh run|test|check
#
# BOBBIN_SKIP_SETUP=1 leaves the Debian packages alone: for other systems, where you have put everything in place yourself.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tools/lib/ui.sh
. tools/lib/ui.sh

readonly logs=build/setup-logs
readonly node_oldest=18.19.0 # the first with node --test --test-concurrency

# "package command" lines of the sections up to $1.
wanted_packages() {
  awk -v last="[$1]" '
    { sub(/#.*/, "") }
    /^\[/ { if (seen) exit; if ($1 == last) seen = 1; next }
    NF { print $1, $2 }' tools/packages
}

# One line for each package that is neither installed nor replaced by the command of its second column.
missing_packages() {
  local wanted=$1 package command
  local -A installed=()
  while read -r package; do installed[$package]=1; done < <(
    # shellcheck disable=SC2016,SC2046 # dpkg-query's own ${…}; one argument per package
    dpkg-query -W -f '${Package} ${db:Status-Status}\n' $(cut -d' ' -f1 <<<"$wanted") 2>/dev/null |
      awk '$2 == "installed" { print $1 }'
  )
  while read -r package command; do
    [[ -z ${installed[$package]:-} ]] || continue
    [[ -z $command ]] || ! command -v "$command" >/dev/null || continue
    printf '%s\n' "$package"
  done <<<"$wanted"
}

is_debian_12_like() {
  command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || return 1
  # shellcheck source=/dev/null
  (. /etc/os-release && [[ ${VERSION_CODENAME:-} == bookworm || ${DEBIAN_CODENAME:-} == bookworm ]])
}

# Prints "sudo" or nothing, whichever makes a command root's; false where neither is possible.
root_prefix() {
  ((EUID != 0)) || return 0
  command -v sudo >/dev/null || return 1
  if [[ -t 0 ]]; then sudo -v >&2; else sudo -n true 2>/dev/null; fi || return 1
  echo sudo
}

apt_get() { ${as_root:+"$as_root"} env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"; }

install_packages() {
  local wanted missing count as_root command
  wanted=$(wanted_packages "$1")
  count=$(wc -l <<<"$wanted")
  if ! command -v dpkg-query >/dev/null; then
    fail "set-up knows Debian 12 (bookworm) only, and this is another system." \
      "Install what tools/packages lists, then set BOBBIN_SKIP_SETUP=1."
  fi
  missing=$(missing_packages "$wanted" | tr '\n' ' ')
  missing=${missing% }
  if [[ -z $missing ]]; then
    say "packages: all $count present"
    return
  fi
  command="apt-get update && apt-get install --no-install-recommends $missing"
  is_debian_12_like || fail "set-up knows Debian 12 (bookworm) only; missing here: $missing" \
    "Install your system's equivalents (tools/packages says what each is for), then set BOBBIN_SKIP_SETUP=1."
  as_root=$(root_prefix) || fail "packages are missing, and this is neither root nor a user of sudo." "As root: $command"
  step "installing $(wc -w <<<"$missing") Debian packages: $missing"
  logged "package lists" "$logs/apt-update.log" apt_get update ||
    fail "apt-get update failed." "Check the network and /etc/apt/sources.list*, then run this again."
  # shellcheck disable=SC2086 # one argument per package
  logged "packages" "$logs/apt-install.log" apt_get install -y --no-install-recommends $missing ||
    fail "apt-get install failed; the whole output is in $logs/apt-install.log." "By hand, as root: $command"
  missing=$(missing_packages "$wanted" | tr '\n' ' ')
  [[ -z $missing ]] || fail "still missing after the installation: $missing" "See $logs/apt-install.log."
  say "installed: $(awk '/^Setting up / { n++ } END { print n + 0 }' "$logs/apt-install.log") packages with what they depend on; all $count present now"
}

install_npm_packages() {
  local folder=$1 stamp=$1/node_modules/.bobbin-stamp now
  [[ -f $folder/package-lock.json ]] || return 0
  local version
  version=$(node --version)
  [[ $(printf '%s\n' "v$node_oldest" "$version" | sort -V | head -n 1) == "v$node_oldest" ]] ||
    fail "Node $version is too old: the end-to-end tests need $node_oldest or newer." "Take the old node out of PATH, or install a newer one."
  now="node ${version%%.*} $(cat "$folder/package.json" "$folder/package-lock.json" | sha256sum | cut -c1-64)"
  if [[ -f $stamp && $(<"$stamp") == "$now" ]]; then
    say "npm packages of $folder: unchanged"
    return
  fi
  logged "npm packages of $folder" "$logs/npm.log" npm ci --no-audit --no-fund --prefix "$folder" ||
    fail "npm ci failed in $folder; the whole output is in $logs/npm.log." "Check the network and npm's registry setting, then run this again."
  printf '%s\n' "$now" >"$stamp"
}

main() {
  case ${1:-} in run | test | check) ;; *) fail "unknown section '${1:-}'." "Usage: tools/lib/setup.sh run|test|check" ;; esac
  if [[ ${BOBBIN_SKIP_SETUP:-} != 1 ]]; then install_packages "$1"; fi
  if [[ $1 != run ]]; then install_npm_packages tests/e2e; fi
}

main "$@"
