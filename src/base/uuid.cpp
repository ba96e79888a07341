#include "src/base/uuid.h"

#include <sys/random.h>

#include <cstring>

#include "src/base/assert.h"

namespace bobbin {
namespace {

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr bool is_hyphen_place(size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

void set_version(Uuid& id, uint8_t version) {
  id.bytes[6] = static_cast<uint8_t>((id.bytes[6] & 0x0f) | (version << 4));
  id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3f) | 0x80);
}

}  // namespace

void fill_random(void* out, size_t size) {
  auto* at = static_cast<char*>(out);
  while (size > 0) {
    const ssize_t got = getrandom(at, size, 0);
    if (got < 0 && errno == EINTR) continue;
    BOBBIN_ASSERT(got > 0);
    at += got;
    size -= static_cast<size_t>(got);
  }
}

std::string Uuid::to_string() const {
  constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (const uint8_t byte : bytes) {
    if (is_hyphen_place(text.size())) text.push_back('-');
    text.push_back(kHex[byte >> 4]);
    text.push_back(kHex[byte & 15]);
  }
  return text;
}

std::optional<Uuid> Uuid::parse(std::string_view text) noexcept {
  if (text.size() != 36) return std::nullopt;
  Uuid id;
  size_t filled = 0;
  for (size_t i = 0; i < 36;) {
    if (is_hyphen_place(i)) {
      if (text[i] != '-') return std::nullopt;
      ++i;
      continue;
    }
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    id.bytes[filled++] = static_cast<uint8_t>(high << 4 | low);
    i += 2;
  }
  return id;
}

Uuid make_uuid_v4() {
  Uuid id;
  fill_random(id.bytes.data(), id.bytes.size());
  set_version(id, 4);
  return id;
}

Uuid make_uuid_v7(uint64_t stamp_us) {
  Uuid id;
  fill_random(id.bytes.data() + 6, id.bytes.size() - 6);
  const uint64_t ms = stamp_us / 1000;
  const auto us = static_cast<uint32_t>(stamp_us % 1000);
  for (size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<uint8_t>(ms >> (40 - 8 * i));
  // rand_a is 12 bits: 10 of microseconds, 2 random ones.
  const uint32_t rand_a = us << 2 | (id.bytes[7] & 3u);
  id.bytes[6] = static_cast<uint8_t>(rand_a >> 8);
  id.bytes[7] = static_cast<uint8_t>(rand_a);
  set_version(id, 7);
  return id;
}

std::optional<uint64_t> uuid_v7_stamp_us(const Uuid& id) noexcept {
  if (id.bytes[6] >> 4 != 7) return std::nullopt;
  uint64_t ms = 0;
  for (size_t i = 0; i < 6; ++i) ms = ms << 8 | id.bytes[i];
  const uint32_t rand_a = (id.bytes[6] & 0x0fu) << 8 | id.bytes[7];
  const uint32_t us = rand_a >> 2;
  if (us > 999) return std::nullopt;
  return ms * 1000 + us;
}

}  // namespace bobbin
