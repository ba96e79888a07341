#include "src/auth/base64url.h"

#include "src/base/uuid.h"

#include <array>
#include <cstdint>

namespace bobbin::auth {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr uint8_t kNoDigit = 0xff;

constexpr std::array<uint8_t, 256> make_digits() {
  std::array<uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (uint8_t i = 0; i < 64; ++i) digits[static_cast<uint8_t>(kAlphabet[i])] = i;
  return digits;
}
constexpr std::array<uint8_t, 256> kDigits = make_digits();

}  // namespace

void append_base64url(std::string& out, std::string_view bytes) {
  uint32_t bits = 0;
  int bit_count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<uint8_t>(c);
    bit_count += 8;
    for (; bit_count >= 6; bit_count -= 6) out.push_back(kAlphabet[bits >> (bit_count - 6) & 63]);
  }
  if (bit_count > 0) out.push_back(kAlphabet[bits << (6 - bit_count) & 63]);
}

std::string to_base64url(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  append_base64url(out, bytes);
  return out;
}

std::optional<std::string> from_base64url(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  int bit_count = 0;
  for (const char c : text) {
    const uint8_t digit = kDigits[static_cast<uint8_t>(c)];
    if (digit == kNoDigit) return std::nullopt;
    bits = bits << 6 | digit;
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      out.push_back(static_cast<char>(bits >> bit_count & 0xff));
    }
  }
  // Otherwise many texts would stand for the same bytes, and a changed token could still verify.
  if ((bits & ((1u << bit_count) - 1)) != 0) return std::nullopt;
  return out;
}

std::string random_secret(size_t bytes) {
  std::string random(bytes, '\0');
  fill_random(random.data(), random.size());
  return to_base64url(random);
}

}  // namespace bobbin::auth
