#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>

namespace bobbin::tools {

// Answers that were fetched, kept so that a server is asked less. One loop; bounded in bytes; the least recently used
// go first. Judging their age is the user's, who has the clock.
class AnswerCache {
 public:
  struct Entry {
    std::string key;
    std::string body;
    std::string etag;         // may be empty
    uint64_t checked_ms = 0;  // when the server last said that this is how it is
  };

  explicit AnswerCache(size_t bytes_max) : bytes_max_(bytes_max) {}

  // The entry, now the most recently used, or null; valid until the next put().
  Entry* find(std::string_view key);
  // Takes or replaces it. One that is larger than the cache is not kept, nor what was there before.
  void put(Entry entry);

  [[nodiscard]] size_t bytes() const noexcept { return bytes_; }

 private:
  static size_t cost(const Entry& entry) noexcept;
  void drop(std::list<Entry>::iterator entry);

  const size_t bytes_max_;
  size_t bytes_ = 0;
  std::list<Entry> entries_;  // the most recently used first; a few dozen
};

}  // namespace bobbin::tools
