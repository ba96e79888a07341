#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

// Fixed-width integers in byte strings. Big-endian is for keys (byte order is number order), little-endian for values.
namespace bobbin {

namespace bytes_detail {
template <class Int>
void append_raw(std::string& out, Int value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
template <class Int>
Int load_raw(const char* at) noexcept {
  Int value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
static_assert(std::endian::native == std::endian::little, "the conversions below assume it");
}  // namespace bytes_detail

inline void append_be64(std::string& out, uint64_t value) { bytes_detail::append_raw(out, __builtin_bswap64(value)); }
inline void append_be32(std::string& out, uint32_t value) { bytes_detail::append_raw(out, __builtin_bswap32(value)); }
inline void append_le64(std::string& out, uint64_t value) { bytes_detail::append_raw(out, value); }
inline void append_le32(std::string& out, uint32_t value) { bytes_detail::append_raw(out, value); }

// The caller has made sure that 8 (4) bytes are there.
inline uint64_t load_be64(const char* at) noexcept { return __builtin_bswap64(bytes_detail::load_raw<uint64_t>(at)); }
inline uint32_t load_be32(const char* at) noexcept { return __builtin_bswap32(bytes_detail::load_raw<uint32_t>(at)); }
inline uint64_t load_le64(const char* at) noexcept { return bytes_detail::load_raw<uint64_t>(at); }
inline uint32_t load_le32(const char* at) noexcept { return bytes_detail::load_raw<uint32_t>(at); }

}  // namespace bobbin
