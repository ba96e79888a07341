#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/result.h"

// Where the next page of a list begins, as a string that a client keeps and hands back.
//
// The string is base64url without padding: version, kind, fields, and a checksum that also covers whose list it is, so
// a cursor that was cut, changed by hand or taken to another thread is refused. It is no secret and grants nothing:
// every query names its user itself. Source: storage/FORMAT.md, "Cursors".
namespace bobbin::store {

// The next message of one branch of a thread.
struct HistoryCursor {
  uint64_t incarnation = 0;
  uint64_t leaf = 0;      // the branch that is being read, also when another one has become active since
  uint64_t position = 0;  // order of the first message of the next page

  friend bool operator==(const HistoryCursor&, const HistoryCursor&) = default;
};

// The last thread of the page before.
struct SessionsCursor {
  uint64_t recency_stamp = 0;
  std::string thread;

  friend bool operator==(const SessionsCursor&, const SessionsCursor&) = default;
};

std::string format_history_cursor(const HistoryCursor& cursor, std::string_view user, std::string_view thread);
std::string format_sessions_cursor(const SessionsCursor& cursor, std::string_view user);

// Errors: malformed (not a cursor, or of another list).
Result<HistoryCursor> parse_history_cursor(std::string_view text, std::string_view user, std::string_view thread);
Result<SessionsCursor> parse_sessions_cursor(std::string_view text, std::string_view user);

}  // namespace bobbin::store
