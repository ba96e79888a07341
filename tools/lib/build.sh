# shellcheck shell=bash
# Configures and builds one preset of CMakePresets.json into build/<preset>. To be sourced, after ui.sh.

# build PRESET [TARGET…]: everything, or the named targets. Says one line; returns non-zero where it failed.
build() {
  local preset=$1 folder=build/$1
  shift
  is_configured "$folder" || logged "configure $preset" "$folder/configure.log" cmake --preset "$preset" || return 1
  # Nothing to do is the usual case: then without a word.
  if [[ $(ninja -C "$folder" -n "$@" 2>/dev/null | tail -n 1) == 'ninja: no work to do.' ]]; then return 0; fi
  logged "build $preset" "$folder/build.log" within_memory cmake --build "$folder" ${1:+--target "$@"}
}

# Ninja runs CMake again by itself, except for a new folder or a changed preset.
is_configured() {
  [[ -f $1/build.ninja && ! CMakePresets.json -nt $1/build.ninja ]] &&
    [[ -z $(find . -path ./build -prune -o -name node_modules -prune -o -name CMakeLists.txt -newer "$1/build.ninja" -print -quit) ]]
}

# A compiler process takes up to a gigabyte: fewer at once where memory is short.
within_memory() {
  local jobs memory_jobs
  jobs=$(nproc)
  memory_jobs=$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo)
  if ((memory_jobs < jobs)); then jobs=$((memory_jobs > 0 ? memory_jobs : 1)); fi
  CMAKE_BUILD_PARALLEL_LEVEL=$jobs "$@"
}
