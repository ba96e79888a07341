#include "tests/fuzz/support/fuzz.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace bobbin::fuzz {

void fail_check(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "%s:%d: FUZZ_CHECK(%s)\n", file, line, condition);
  std::abort();
}

void touch(std::string_view bytes) noexcept {
  unsigned sum = 0;
  for (const char c : bytes) sum += static_cast<unsigned char>(c);
  asm volatile("" : : "r"(sum));  // somebody wants the sum, for all that the compiler knows
}

uint8_t Choices::byte() noexcept {
  if (rest_.empty()) return 0;
  const auto value = static_cast<uint8_t>(rest_.front());
  rest_.remove_prefix(1);
  return value;
}

uint64_t Choices::number() noexcept {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | byte();
  return value;
}

std::string_view Choices::text(size_t bytes_max) noexcept {
  const size_t bytes = std::min({size_t{byte()}, bytes_max, rest_.size()});
  const std::string_view taken = rest_.substr(0, bytes);
  rest_.remove_prefix(bytes);
  return taken;
}

std::vector<Cut> cuts_of(std::string_view input) {
  uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (const char c : input) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return {{Cut::Kind::whole}, {Cut::Kind::bytes}, {Cut::Kind::pieces, hash}, {Cut::Kind::pieces, ~hash}};
}

}  // namespace bobbin::fuzz
