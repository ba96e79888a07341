// Runs a target over saved inputs, in builds without libFuzzer: every file that is named, or lies in a folder that is.
// Fails where a folder that is there has none. A folder that is not there is left out: not every target has a corpus.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/support/fuzz.h"

namespace {

void replay(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  // Said before it runs: where the process ends in it, this is the last line.
  std::printf("%s\n", file.c_str());
  std::fflush(stdout);
  // Of its exact size, so that a sanitizer sees a look beyond it.
  const std::vector<char> bytes(text.begin(), text.end());
  bobbin::fuzz::run({bytes.data(), bytes.size()});
}

}  // namespace

int main(int argc, char** argv) {
  size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    const std::filesystem::path path(argv[i]);
    if (std::filesystem::is_regular_file(path)) {
      replay(path);
      ++count;
    }
    if (!std::filesystem::is_directory(path)) continue;
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(path)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const auto& file : files) replay(file);
    count += files.size();
  }
  std::printf("%zu inputs\n", count);
  return count > 0 ? 0 : 1;
}
