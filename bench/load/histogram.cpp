#include "bench/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace bobbin::bench {

// Below 2^kSubBits a bucket for each value; above, each power of two is cut into 2^kSubBits.
size_t Histogram::bucket_of(uint64_t value) noexcept {
  const int shift = std::max(0, static_cast<int>(std::bit_width(value)) - kSubBits - 1);
  return (static_cast<size_t>(shift) << kSubBits) + static_cast<size_t>(value >> shift);
}

int64_t Histogram::top_of(size_t bucket) noexcept {
  constexpr size_t kSub = size_t{1} << kSubBits;
  if (bucket < kSub) return static_cast<int64_t>(bucket);
  const size_t shift = (bucket >> kSubBits) - 1;
  const size_t value = bucket - (shift << kSubBits);
  return static_cast<int64_t>(((value + 1) << shift) - 1);
}

void Histogram::record(int64_t ns) {
  constexpr int64_t kMax = (int64_t{1} << kValueBits) - 1;
  ++counts_[bucket_of(static_cast<uint64_t>(std::clamp<int64_t>(ns, 0, kMax)))];
  ++count_;
}

void Histogram::add(const Histogram& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
}

int64_t Histogram::quantile_ns(double part) const noexcept {
  if (count_ == 0) return 0;
  const auto wanted = std::max<uint64_t>(1, static_cast<uint64_t>(std::llround(part * static_cast<double>(count_))));
  uint64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= wanted) return top_of(i);
  }
  return top_of(counts_.size() - 1);
}

}  // namespace bobbin::bench
