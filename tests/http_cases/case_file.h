#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bobbin::test {

// One case of a Markdown case file; README.md has the notation.
struct HttpCase {
  std::string name;   // file and heading
  std::string kind;   // what stands after `http` in the opening of the block
  std::string bytes;  // escapes resolved
  std::vector<std::string> log;
};

// Throws std::runtime_error for a file that does not keep to the notation: a case that is not understood must not pass.
std::vector<HttpCase> parse_case_file(const std::string& file_name, std::string_view text);

std::string unescape(std::string_view text);
std::string escape(std::string_view bytes);

}  // namespace bobbin::test
