#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bobbin::bench {

// How often each duration occurred, in buckets that are 1/128 of their value wide: quantiles are at most 0.8 % too
// high. Memory does not grow with what is recorded.
class Histogram {
 public:
  // Negative ones count as 0, those past 18 minutes as that.
  void record(int64_t ns);
  void add(const Histogram& other);

  [[nodiscard]] uint64_t count() const noexcept { return count_; }
  // The duration that `part` (0..1) of all do not exceed; 0 when there is none.
  [[nodiscard]] int64_t quantile_ns(double part) const noexcept;
  [[nodiscard]] double quantile_us(double part) const noexcept { return static_cast<double>(quantile_ns(part)) / 1000; }

 private:
  static constexpr int kSubBits = 7;
  static constexpr int kValueBits = 40;
  static constexpr size_t kBuckets = size_t{kValueBits - kSubBits + 1} << kSubBits;
  static size_t bucket_of(uint64_t value) noexcept;
  static int64_t top_of(size_t bucket) noexcept;

  std::vector<uint64_t> counts_ = std::vector<uint64_t>(kBuckets);
  uint64_t count_ = 0;
};

}  // namespace bobbin::bench
