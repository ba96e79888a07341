#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

// What the fuzz targets share. A target is one file that defines run(); entry.cpp calls it for libFuzzer, replay.cpp
// for saved inputs.
namespace bobbin::fuzz {

// Judges one input: any bytes at all. Returns, or ends the process: by FUZZ_CHECK, BOBBIN_ASSERT or a sanitizer.
// The same input always takes the same way.
void run(std::string_view input);

// Says what was found and aborts.
[[noreturn]] void fail_check(const char* condition, const char* file, int line) noexcept;

// Reads every byte: a view of memory that is gone or was never written is found here, by a sanitizer.
void touch(std::string_view bytes) noexcept;

// The input as a list of choices. At its end it gives zeros and nothing.
class Choices {
 public:
  explicit Choices(std::string_view input) : rest_(input) {}
  [[nodiscard]] bool is_empty() const noexcept { return rest_.empty(); }
  uint8_t byte() noexcept;
  // 0..bound - 1. Requires 1 <= bound <= 256.
  size_t below(size_t bound) noexcept { return byte() % bound; }
  uint64_t number() noexcept;  // of eight bytes
  // At most `bytes_max` bytes, by a length byte.
  std::string_view text(size_t bytes_max) noexcept;
  std::string_view rest() noexcept { return std::exchange(rest_, {}); }

 private:
  std::string_view rest_;
};

// How an input is cut into pieces.
struct Cut {
  enum class Kind : uint8_t { whole, bytes, pieces };
  Kind kind = Kind::whole;
  uint64_t seed = 0;  // of Kind::pieces
};
// The cuts that a target compares for one input, the first being the whole. They depend on the input alone.
std::vector<Cut> cuts_of(std::string_view input);

// Calls feed(piece) for each piece until it gives false. Each piece lies in an allocation of its own and of its size,
// which ends with the call: so a sanitizer sees every look beyond it, before it, and back at it later.
template <class Feed>
void feed_pieces(std::string_view input, Cut cut, Feed feed) {
  uint64_t random = cut.seed;
  while (!input.empty()) {
    size_t bytes = cut.kind == Cut::Kind::bytes ? 1 : input.size();
    if (cut.kind == Cut::Kind::pieces) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      const size_t longest = random >> 62 == 0 ? input.size() : 7;
      bytes = 1 + (random >> 32) % longest;
    }
    if (bytes > input.size()) bytes = input.size();
    const std::vector<char> piece(input.begin(), input.begin() + static_cast<ptrdiff_t>(bytes));
    input.remove_prefix(bytes);
    if (!feed(std::string_view(piece.data(), piece.size()))) return;
  }
}

}  // namespace bobbin::fuzz

#define FUZZ_CHECK(condition) \
  (static_cast<bool>(condition) ? (void)0 : ::bobbin::fuzz::fail_check(#condition, __FILE__, __LINE__))
