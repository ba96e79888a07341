#pragma once

#include <algorithm>
#include <cstring>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace bobbin {

// Copies of many texts that live and die together: two calls of the allocator for a page of them instead of one for
// each. What keep() gave holds until the arena, or the one that it was moved or given to, is destroyed.
class TextArena {
 public:
  TextArena() = default;
  TextArena(TextArena&& other) noexcept { swap(other); }
  TextArena& operator=(TextArena&& other) noexcept {
    TextArena(std::move(other)).swap(*this);
    return *this;
  }

  std::string_view keep(std::string_view text) {
    if (text.empty()) return {};
    if (text.size() > left_) add_chunk(text.size());
    char* const copy = at_;
    std::memcpy(copy, text.data(), text.size());
    at_ += text.size();
    left_ -= text.size();
    return {copy, text.size()};
  }

  // Takes over all texts of `other`.
  void adopt(TextArena&& other) {
    std::move(other.chunks_.begin(), other.chunks_.end(), std::back_inserter(chunks_));
    other.chunks_.clear();
    other.left_ = 0;
  }

 private:
  // A page of 50 usual messages fits into the first. Below malloc's threshold for mappings of their own (serve.cpp).
  static constexpr size_t kFirstChunkBytes = size_t{32} << 10;
  static constexpr size_t kChunkBytes = size_t{128} << 10;

  void add_chunk(size_t bytes) {
    const size_t size = std::max(bytes, chunks_.empty() ? kFirstChunkBytes : kChunkBytes);
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(size));
    at_ = chunks_.back().get();
    left_ = size;
  }

  void swap(TextArena& other) noexcept {
    chunks_.swap(other.chunks_);
    std::swap(at_, other.at_);
    std::swap(left_, other.left_);
  }

  std::vector<std::unique_ptr<char[]>> chunks_;
  char* at_ = nullptr;
  size_t left_ = 0;
};

}  // namespace bobbin
