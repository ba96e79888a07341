# Compiler, flags and build types; and bobbin_module(), which makes one folder a library.

get_filename_component(BOBBIN_ROOT "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 16)
  message(FATAL_ERROR
    "Bobbin is built with clang 16 or newer (this is ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}).\n"
    "GCC 12 destroys some temporaries of a co_await expression twice, so it cannot be used.\n"
    "Do: apt-get install clang-16, then cmake --preset dev")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_FLAGS_DEV "-O1 -g1 -fno-omit-frame-pointer")
set(CMAKE_CXX_FLAGS_DEV "-O1 -g1 -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS")
set(CMAKE_C_FLAGS_RELEASE "-O2 -ffunction-sections -fdata-sections")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -ffunction-sections -fdata-sections")
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
  # The linker reads the compiler's own bitcode: it has to be of the same version, and `ld.lld` may be an older one.
  string(REGEX MATCH "^[0-9]+" CLANG_MAJOR "${CMAKE_CXX_COMPILER_VERSION}")
  find_program(LLD NAMES ld.lld-${CLANG_MAJOR} REQUIRED)
  add_link_options(-fuse-ld=lld --ld-path=${LLD} -Wl,--gc-sections)
endif()

set(BOBBIN_SANITIZE "" CACHE STRING "sanitizers for the whole build, as in -fsanitize=")
if(BOBBIN_SANITIZE)
  add_compile_options(-fsanitize=${BOBBIN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${BOBBIN_SANITIZE})
endif()
option(BOBBIN_COVERAGE "count which branches the tests take (tools/coverage)" OFF)
if(BOBBIN_COVERAGE)
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate)
endif()
option(BOBBIN_FUZZ "build the libFuzzer targets" OFF)
if(BOBBIN_FUZZ)
  # Counts what an input reaches, in every library: that is how libFuzzer finds its way.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  # Paths are cached relative to the project, so that a fresh clone elsewhere finds what another has built.
  set(CCACHE_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${BOBBIN_ROOT} CCACHE_NOHASHDIR=1 ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_LAUNCHER})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_LAUNCHER})
endif()
# Files are named from the project's root in log lines and debug information, wherever it was built.
add_compile_options(-ffile-prefix-map=${BOBBIN_ROOT}/=)

add_library(bobbin_flags INTERFACE)
target_include_directories(bobbin_flags INTERFACE "${BOBBIN_ROOT}")
target_compile_options(bobbin_flags INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wno-sign-conversion
  -Wimplicit-fallthrough -Wunused -Wcast-qual)

# bobbin_module(NAME name SOURCES … PUBLIC bobbin_… PRIVATE third-party …)
#
# A static library bobbin_<name> without exceptions. PUBLIC names the modules whose headers it may include; third-party
# libraries are PRIVATE, so their headers cannot be reached from another folder.
function(bobbin_module)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(bobbin_${ARG_NAME} STATIC ${ARG_SOURCES})
  target_link_libraries(bobbin_${ARG_NAME} PUBLIC bobbin_flags ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  target_compile_options(bobbin_${ARG_NAME} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>)
endfunction()
