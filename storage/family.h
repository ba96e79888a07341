#pragma once

#include <array>
#include <cstdint>

namespace bobbin::store {

// The column families. Frozen: the numbers are in change entries (storage/FORMAT.md, "Keys").
enum class Family : uint8_t {
  messages = 1,
  threads = 2,
  recency = 3,
  runs = 4,
  queue = 5,
  idempotency = 6,
  annotations = 7,
  bookmarks = 8,
  counters = 9,
  settings = 10,
  changes = 11,
  feed = 12,
  search = 13,
  meta = 14,
  accounts = 15,
  shares = 16,
  keys = 17,
  erasures = 18,
};

inline constexpr size_t kFamilyCount = 18;

// In the order of Family. These are the names on disk.
inline constexpr std::array<const char*, kFamilyCount> kFamilyNames = {
    "messages", "threads", "recency", "runs",   "queue", "idempotency", "annotations", "bookmarks", "counters",
    "settings", "changes", "feed",    "search", "meta",  "accounts",    "shares",      "keys",      "erasures"};

constexpr const char* family_name(Family family) noexcept { return kFamilyNames[static_cast<size_t>(family) - 1]; }

}  // namespace bobbin::store
