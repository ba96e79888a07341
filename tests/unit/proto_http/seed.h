#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace bobbin::test {

// The generator of one randomised test. Its seed is printed; BOBBIN_TEST_SEED repeats a run.
inline std::mt19937_64 seeded_random(const char* test_name) {
  const char* given = std::getenv("BOBBIN_TEST_SEED");  // NOLINT(concurrency-mt-unsafe): nobody sets it meanwhile
  const uint64_t seed = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("%s: BOBBIN_TEST_SEED=%llu\n", test_name, static_cast<unsigned long long>(seed));
  return std::mt19937_64(seed);
}

inline size_t random_below(std::mt19937_64& random, size_t bound) { return static_cast<size_t>(random() % bound); }

// `bytes` in random pieces, mostly short ones.
inline std::vector<std::string_view> random_pieces(std::mt19937_64& random, std::string_view bytes) {
  std::vector<std::string_view> pieces;
  while (!bytes.empty()) {
    const size_t longest = random_below(random, 4) == 0 ? bytes.size() : 7;
    pieces.push_back(bytes.substr(0, 1 + random_below(random, longest)));
    bytes.remove_prefix(pieces.back().size());
  }
  return pieces;
}

// Words of `parts` in random order, `count` of them: text that meets a grammar's corners far more often than noise.
template <size_t N>
std::string random_text(std::mt19937_64& random, const std::string_view (&parts)[N], size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += parts[random_below(random, N)];
  return out;
}

}  // namespace bobbin::test
