#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bobbin {

// 16 bytes, compared as bytes. The zero value means "none" where a field says so.
struct Uuid {
  std::array<uint8_t, 16> bytes{};

  // 36 characters, lower case, with hyphens.
  [[nodiscard]] std::string to_string() const;
  // Only that form (upper case is accepted): nullopt for anything else.
  static std::optional<Uuid> parse(std::string_view text) noexcept;

  [[nodiscard]] bool is_zero() const noexcept { return *this == Uuid{}; }
  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

// A random UUID, version 4, from the kernel's generator. Aborts when the kernel gives no randomness.
Uuid make_uuid_v4();

// A UUID, version 7, whose first 60 payload bits are `stamp_us` (48 bits of milliseconds, then 10 bits of microseconds
// within it); the rest is random. So the id of a message says its stamp: see uuid_v7_stamp_us.
Uuid make_uuid_v7(uint64_t stamp_us);

// The stamp inside an id made by make_uuid_v7; nullopt when the version is not 7 or the microseconds exceed 999.
std::optional<uint64_t> uuid_v7_stamp_us(const Uuid& id) noexcept;

// `size` bytes from the kernel's generator.
void fill_random(void* out, size_t size);

}  // namespace bobbin
