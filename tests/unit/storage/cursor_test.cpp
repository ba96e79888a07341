// Cursors come back as they went; anything else is malformed, also a good cursor of another list.
#include "storage/cursor.h"

#include "tests/support/test.h"

using namespace bobbin;
using namespace bobbin::store;

namespace {
const HistoryCursor kHistory{.incarnation = 3, .leaf = ~uint64_t{0}, .position = 1};
}  // namespace

TEST_CASE(a_history_cursor_comes_back) {
  const std::string text = format_history_cursor(kHistory, "u", "t");
  CHECK_EQ(text.size(), size_t{40});
  CHECK_EQ(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
           std::string::npos);
  CHECK(CHECK_OK(parse_history_cursor(text, "u", "t")) == kHistory);
}

TEST_CASE(a_sessions_cursor_comes_back_with_any_thread_id) {
  for (const std::string& thread : {std::string("t"), std::string(128, '\xff'), std::string("\0", 1)}) {
    const SessionsCursor cursor{.recency_stamp = 12, .thread = thread};
    CHECK(CHECK_OK(parse_sessions_cursor(format_sessions_cursor(cursor, "u"), "u")) == cursor);
  }
}

TEST_CASE(a_cursor_of_another_list_is_malformed) {
  const std::string history = format_history_cursor(kHistory, "u", "t");
  CHECK_FAILS(parse_history_cursor(history, "u", "t2"), Code::malformed);
  CHECK_FAILS(parse_history_cursor(history, "v", "t"), Code::malformed);
  CHECK_FAILS(parse_history_cursor(history, "ut", "x"), Code::malformed);
  CHECK_FAILS(parse_sessions_cursor(history, "u"), Code::malformed);
  const std::string sessions = format_sessions_cursor({.recency_stamp = 1, .thread = "t"}, "u");
  CHECK_FAILS(parse_sessions_cursor(sessions, "v"), Code::malformed);
  CHECK_FAILS(parse_history_cursor(sessions, "u", "t"), Code::malformed);
}

TEST_CASE(a_changed_or_cut_cursor_is_malformed) {
  const std::string text = format_history_cursor(kHistory, "u", "t");
  for (size_t i = 0; i < text.size(); ++i) {
    CHECK_FAILS(parse_history_cursor(text.substr(0, i), "u", "t"), Code::malformed);
    for (const char c : {'A', 'z', '_', '=', ' ', '\0', '\xff'}) {
      if (text[i] == c) continue;
      std::string changed = text;
      changed[i] = c;
      CHECK_FAILS(parse_history_cursor(changed, "u", "t"), Code::malformed);
    }
  }
  CHECK_FAILS(parse_history_cursor(text + "A", "u", "t"), Code::malformed);
  CHECK_FAILS(parse_history_cursor(std::string(100'000, 'A'), "u", "t"), Code::malformed);
}

TEST_CASE(a_position_that_no_cursor_has_is_malformed) {
  CHECK_FAILS(parse_history_cursor(format_history_cursor({1, 5, 0}, "u", "t"), "u", "t"), Code::malformed);
  CHECK_FAILS(parse_history_cursor(format_history_cursor({1, 5, 6}, "u", "t"), "u", "t"), Code::malformed);
}
