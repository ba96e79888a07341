#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "src/base/assert.h"

namespace bobbin::net {

// Where an object is, by a name that does not dangle: a slot is used again, but under another generation.
struct SlotName {
  uint32_t slot = 0;
  uint32_t generation = 0;  // never 0 in the table
  friend bool operator==(const SlotName&, const SlotName&) = default;
};

// Pointers to what others own, by SlotName. One thread.
template <class T>
class SlotTable {
 public:
  SlotName insert(T& object) {
    if (free_.empty()) {
      free_.push_back(static_cast<uint32_t>(entries_.size()));
      entries_.emplace_back();
    }
    const uint32_t slot = free_.back();
    free_.pop_back();
    entries_[slot].object = &object;
    return {slot, entries_[slot].generation};
  }

  void remove(SlotName name) {
    BOBBIN_ASSERT(find(name) != nullptr);
    Entry& entry = entries_[name.slot];
    entry.object = nullptr;
    if (++entry.generation == 0) entry.generation = 1;
    free_.push_back(name.slot);
  }

  // Null when what had the name is gone.
  [[nodiscard]] T* find(SlotName name) const noexcept {
    if (name.slot >= entries_.size()) return nullptr;
    const Entry& entry = entries_[name.slot];
    return entry.generation == name.generation ? entry.object : nullptr;
  }

  [[nodiscard]] size_t count() const noexcept { return entries_.size() - free_.size(); }

  // Visits every object; the visitor may remove the one it is given.
  template <class Visitor>
  void for_each(Visitor&& visit) {
    for (size_t slot = 0; slot < entries_.size(); ++slot)
      if (T* object = entries_[slot].object; object != nullptr) visit(*object);
  }

 private:
  struct Entry {
    T* object = nullptr;
    uint32_t generation = 1;
  };
  std::vector<Entry> entries_;
  std::vector<uint32_t> free_;
};

}  // namespace bobbin::net
