// Proves: the parsers give the events that the case files of this folder list, however the bytes are cut. By feeding
// each case whole, byte by byte, and in two pieces at every point.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/http_cases/case_file.h"
#include "tests/http_cases/case_log.h"
#include "tests/support/test.h"

using bobbin::test::event_log;
using bobbin::test::HttpCase;

namespace {

std::vector<HttpCase> read_all_cases() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(BOBBIN_HTTP_CASES_FOLDER)) {
    if (entry.path().extension() == ".md" && entry.path().filename() != "README.md") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<HttpCase> cases;
  for (const std::filesystem::path& file : files) {
    std::ifstream in(file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    for (HttpCase& one : bobbin::test::parse_case_file(file.filename().string(), text)) cases.push_back(std::move(one));
  }
  return cases;
}

// Where to cut in two: everywhere, but in long inputs (which are long runs of one byte) only here and there inside.
std::vector<size_t> cuts(size_t bytes) {
  std::vector<size_t> out;
  for (size_t at = 1; at < bytes; ++at) {
    const bool is_inside = at > 300 && at + 300 < bytes;
    if (bytes <= 2000 || !is_inside || at % 97 == 0) out.push_back(at);
  }
  return out;
}

std::string join(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += "    " + line + '\n';
  return out;
}

// What is wrong with the case, or an empty string.
std::string run_case(const HttpCase& one) {
  const std::string_view bytes = one.bytes;
  const std::vector<std::string> whole = event_log(one.kind, {bytes});
  if (whole != one.log) return "  expected\n" + join(one.log) + "  got\n" + join(whole);

  std::vector<std::string_view> single_bytes;
  for (size_t at = 0; at < bytes.size(); ++at) single_bytes.push_back(bytes.substr(at, 1));
  if (event_log(one.kind, single_bytes) != whole) {
    return "  byte by byte\n" + join(event_log(one.kind, single_bytes));
  }
  for (const size_t at : cuts(bytes.size())) {
    const std::vector<std::string> cut = event_log(one.kind, {bytes.substr(0, at), bytes.substr(at)});
    if (cut != whole) return "  cut after " + std::to_string(at) + " bytes\n" + join(cut);
  }
  return {};
}

}  // namespace

TEST_CASE(every_case_gives_its_events_however_its_bytes_are_cut) {
  const std::vector<HttpCase> cases = read_all_cases();
  size_t failed_count = 0;
  for (const HttpCase& one : cases) {
    const std::string problem = run_case(one);
    if (problem.empty()) continue;
    ++failed_count;
    std::fprintf(stderr, "%s\n%s", one.name.c_str(), problem.c_str());
  }
  std::printf("http cases: %zu, failed: %zu\n", cases.size(), failed_count);
  CHECK_EQ(failed_count, 0u);
  CHECK(cases.size() >= 150);
}

TEST_CASE(no_two_cases_have_the_same_name) {
  std::vector<std::string> names;
  for (const HttpCase& one : read_all_cases()) names.push_back(one.name);
  std::sort(names.begin(), names.end());
  const auto twin = std::adjacent_find(names.begin(), names.end());
  CHECK_EQ(twin == names.end() ? std::string() : *twin, std::string());
}

TEST_CASE(a_case_file_that_is_not_understood_is_an_error_and_no_pass) {
  const auto refuses = [](std::string_view text) {
    try {
      bobbin::test::parse_case_file("x.md", text);
      return false;
    } catch (const std::runtime_error&) {
      return true;
    }
  };
  CHECK(refuses("## no blocks\n"));
  CHECK(refuses("## no events\n```http request\nGET\n```\n"));
  CHECK(refuses("## unknown escape\n```http request\n\\q\n```\n```events\n```\n"));
  CHECK(refuses("## no end\n```http request\nGET\n"));
  CHECK(!refuses("## fine\n```http request\n\\x41\\(3*\\r)\n```\n```events\n```\n"));
}
