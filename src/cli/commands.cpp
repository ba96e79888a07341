#include "src/cli/commands.h"

#include <charconv>
#include <cstdio>
#include <string>

#include "src/auth/secret.h"
#include "src/cli/tool_answer.h"

namespace bobbin::cli {

int report(const Error& error, std::string_view subject) { return report_failure(complaint_of(error), subject); }

int report_failure(std::string_view why, std::string_view subject) {
  std::string line = "bobbin: ";
  line.append(subject).append(": ").append(why).push_back('\n');
  std::fwrite(line.data(), 1, line.size(), stderr);
  return 1;
}

Result<std::string> find_secret(const std::string& given, const std::string& file, const std::string& data) {
  if (!file.empty()) return auth::read_secret_file(file);
  if (!given.empty()) {
    TRY(auth::check_secret(given));
    return given;
  }
  return auth::load_or_create_secret(data);
}

Result<int64_t> parse_duration_s(std::string_view text) {
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit(at, static_cast<size_t>(end - at));
  int64_t seconds = 0;
  if (unit.empty() || unit == "s") seconds = 1;
  if (unit == "m") seconds = 60;
  if (unit == "h") seconds = 3600;
  if (unit == "d") seconds = 24 * 3600;
  int64_t total = 0;
  if (error != std::errc() || seconds == 0 || number <= 0 || __builtin_mul_overflow(number, seconds, &total))
    return fail(Code::invalid, 0, "a duration is a number and s, m, h or d, such as 1h");
  return total;
}

}  // namespace bobbin::cli
