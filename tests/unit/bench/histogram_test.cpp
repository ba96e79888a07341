// Quantiles of the load's histogram, against the values themselves.

#include "bench/load/histogram.h"

#include "tests/support/test.h"

namespace bobbin::bench {
namespace {

TEST_CASE(an_empty_histogram_has_quantiles_of_zero) {
  CHECK_EQ(Histogram().quantile_ns(0.5), int64_t{0});
  CHECK_EQ(Histogram().count(), uint64_t{0});
}

TEST_CASE(small_durations_are_exact) {
  Histogram histogram;
  for (int64_t ns = 0; ns < 100; ++ns) histogram.record(ns);
  CHECK_EQ(histogram.quantile_ns(0.5), int64_t{49});
  CHECK_EQ(histogram.quantile_ns(0.99), int64_t{98});
  CHECK_EQ(histogram.quantile_ns(1), int64_t{99});
}

TEST_CASE(a_quantile_is_never_too_low_and_at_most_a_128th_too_high) {
  for (int64_t ns = 1; ns < (int64_t{1} << 40); ns += ns / 3 + 1) {
    Histogram histogram;
    histogram.record(ns);
    CHECK(histogram.quantile_ns(0.5) >= ns);
    CHECK(histogram.quantile_ns(0.5) <= ns + ns / 128);
  }
}

TEST_CASE(what_is_out_of_range_counts_as_the_nearest_that_is_not) {
  Histogram histogram;
  histogram.record(-5);
  CHECK_EQ(histogram.quantile_ns(1), int64_t{0});
  histogram.record(INT64_MAX);
  CHECK_EQ(histogram.quantile_ns(1), (int64_t{1} << 40) - 1);
}

TEST_CASE(histograms_add_up) {
  Histogram one, other;
  one.record(10);
  other.record(20);
  other.record(30);
  one.add(other);
  CHECK_EQ(one.count(), uint64_t{3});
  CHECK_EQ(one.quantile_ns(0.5), int64_t{20});
}

}  // namespace
}  // namespace bobbin::bench
