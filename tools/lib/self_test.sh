# shellcheck shell=bash disable=SC2154 # tools_lib is that of quick_checks.sh
# Tests of the checks themselves: each accepts a good tree and finds one planted fault. To be sourced, after quick_checks.sh.

# put FILE LINE…: writes a file of the tree under test.
put() {
  mkdir -p "$(dirname "$1")"
  printf '%s\n' "${@:2}" >"$1"
}

make_good_tree() {
  put src/base/result.h '#pragma once' '#include <string>'
  put src/base/README.md 'base'
  put src/loop/loop.h '#pragma once' '' '#include <uv.h>' '' '#include "src/base/result.h"'
  put src/loop/README.md 'loop'
  put src/net/tls.cpp '#include "src/net/tls.h"' '' '#include <openssl/ssl.h>' '' '#include "src/loop/loop.h"'
  put src/net/tls.h '#pragma once' '#include "src/loop/loop.h"'
  put src/net/README.md 'net'
  put storage/engine.h '#pragma once' '#include <rocksdb/db.h>'
  put storage/store.h '#pragma once' '#include "src/base/result.h"'
  put storage/engine.cpp '#include "storage/engine.h"' '#include "storage/store.h"'
  put storage/README.md 'storage'
  put src/auth/key.cpp '#include "storage/store.h"'
  put src/auth/README.md 'auth'
  put tests/unit/storage/engine_test.cpp '#include "storage/engine.h"' '#include "tests/support/test.h"'
  put tests/README.md 'tests'
  put tools/run '#!/usr/bin/env bash' 'if true; then echo fine; fi'
  put tools/README.md 'tools'
}

# finds CHECK TEXT: the check refuses this tree, in words that contain TEXT.
finds() {
  local output
  if output=$("$1" 2>&1); then echo "$1 accepted the planted fault"; return 1; fi
  [[ $output == *"$2"* ]] || { echo "$1 said '$output', not '$2'"; return 1; }
}

# planted CHECK TEXT FILE LINE…: a good tree with this one file in it is refused.
planted() {
  local check=$1 text=$2
  put "${@:3}"
  report_case "${check#check_} finds: $text" finds "$check" "$text"
}

# Runs a command in a good tree of its own.
in_tree() (
  root=$(mktemp -d)
  trap 'rm -rf "$root"' EXIT
  cd "$root" || exit 1
  cp "$tools_lib/../../.clang-format" .
  export GIT_DIR=/nonexistent # the tree is not a clone, wherever it lies
  make_good_tree
  "$@"
)

self_test() {
  local status=0 check
  for check in include_direction no_using_namespace_in_headers pragma_once readmes finished shell_syntax format; do
    in_tree report_case "$check accepts a good tree" "check_$check" || status=1
  done
  in_tree planted check_include_direction 'src/loop must not include storage/store.h' \
    src/loop/bad.cpp '#include "storage/store.h"' || status=1
  in_tree planted check_include_direction 'src/base must not include src/net/tls.h' \
    src/base/bad.h '#pragma once' '#  include "src/net/tls.h"' || status=1
  in_tree planted check_include_direction 'src/net must not include <rocksdb/db.h>' \
    src/net/bad.cpp '#include <rocksdb/db.h>' || status=1
  in_tree planted check_include_direction 'storage/engine.h brings <rocksdb/db.h> along' \
    src/auth/bad.cpp '#include "storage/engine.h"' || status=1
  in_tree planted check_include_direction 'storage/store.h brings <rocksdb/db.h> along' \
    storage/store.h '#pragma once' '#include "storage/engine.h"' || status=1
  in_tree planted check_include_direction 'tests must not include <cmocka.h>' \
    tests/unit/bad_test.cpp '#include <cmocka.h>' || status=1
  in_tree planted check_include_direction 'is not written from the project' src/net/bad.cpp '#include "tls.h"' || status=1
  in_tree planted check_include_direction 'has no rule' src/new/a.cpp '#include <string>' || status=1
  in_tree planted check_no_using_namespace_in_headers bad.h src/net/bad.h '#pragma once' 'using namespace std;' || status=1
  in_tree planted check_pragma_once bad.h src/net/bad.h 'struct Bad {};' || status=1
  in_tree planted check_readmes src/chat src/chat/run.cpp 'int run();' || status=1
  in_tree planted check_finished bad.cpp src/net/bad.cpp "int x;  // TO""DO: later" || status=1
  in_tree planted check_shell_syntax tools/bad tools/bad '#!/usr/bin/env bash' 'if true; then' || status=1
  in_tree planted check_format bad.cpp src/net/bad.cpp 'int   x ;' || status=1
  return "$status"
}
