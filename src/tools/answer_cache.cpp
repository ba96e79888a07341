#include "src/tools/answer_cache.h"

#include <algorithm>

namespace bobbin::tools {

size_t AnswerCache::cost(const Entry& entry) noexcept {
  return entry.key.size() + entry.body.size() + entry.etag.size() + sizeof(Entry);
}

AnswerCache::Entry* AnswerCache::find(std::string_view key) {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.key == key; });
  if (found == entries_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found);
  return &entries_.front();
}

void AnswerCache::put(Entry entry) {
  if (find(entry.key) != nullptr) drop(entries_.begin());
  const size_t bytes = cost(entry);
  if (bytes > bytes_max_) return;
  while (bytes_ + bytes > bytes_max_) drop(std::prev(entries_.end()));
  bytes_ += bytes;
  entries_.push_front(std::move(entry));
}

void AnswerCache::drop(std::list<Entry>::iterator entry) {
  bytes_ -= cost(*entry);
  entries_.erase(entry);
}

}  // namespace bobbin::tools
