// Cursors: what is written is read back, by its own list alone; any other text is refused, and there is one text for a
// cursor.

#include "storage/cursor.h"

#include <algorithm>
#include <string>

#include "tests/fuzz/support/fuzz.h"

namespace bobbin::fuzz {
namespace {

void check_text(std::string_view text) {
  if (const auto history = store::parse_history_cursor(text, "u", "t")) {
    FUZZ_CHECK(store::format_history_cursor(*history, "u", "t") == text);
  }
  if (const auto sessions = store::parse_sessions_cursor(text, "u")) {
    FUZZ_CHECK(store::format_sessions_cursor(*sessions, "u") == text);
  }
}

std::string id_text(Choices& choices) {
  std::string text(choices.text(128));
  return text.empty() ? "x" : text;
}

void check_values(Choices choices) {
  const uint64_t incarnation = choices.number();
  const uint64_t leaf = std::max<uint64_t>(choices.number(), 1);
  const uint64_t position = choices.number() % leaf + 1;  // 1..leaf: others are no cursors
  const store::HistoryCursor history{incarnation, leaf, position};
  const std::string user = id_text(choices);
  const std::string thread = id_text(choices);
  const std::string other = id_text(choices) + "'";
  const std::string text = store::format_history_cursor(history, user, thread);
  const auto history_back = store::parse_history_cursor(text, user, thread);
  FUZZ_CHECK(history_back.has_value() && *history_back == history);
  FUZZ_CHECK(!store::parse_sessions_cursor(text, user));
  if (other.size() > 128) return;
  if (other != user) FUZZ_CHECK(!store::parse_history_cursor(text, other, thread));
  if (other != thread) FUZZ_CHECK(!store::parse_history_cursor(text, user, other));

  const store::SessionsCursor sessions{history.leaf, thread};
  const std::string sessions_text = store::format_sessions_cursor(sessions, user);
  const auto sessions_back = store::parse_sessions_cursor(sessions_text, user);
  FUZZ_CHECK(sessions_back.has_value() && *sessions_back == sessions);
  if (other != user) FUZZ_CHECK(!store::parse_sessions_cursor(sessions_text, other));
  FUZZ_CHECK(!store::parse_history_cursor(sessions_text, user, thread));
  for (const std::string& cursor : {text, sessions_text}) {
    for (size_t bytes = 0; bytes < cursor.size(); ++bytes) {
      const std::string cut = cursor.substr(0, bytes);
      FUZZ_CHECK(!store::parse_history_cursor(cut, user, thread) && !store::parse_sessions_cursor(cut, user));
    }
  }
}

}  // namespace

void run(std::string_view input) {
  check_text(input);
  check_values(Choices(input));
}

}  // namespace bobbin::fuzz
