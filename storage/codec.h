#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/uuid.h"

// The envelope and the field types of records (storage/FORMAT.md, "Records"). Internal to storage.
namespace bobbin::store {

// The low 32 bits of XXH3-64.
uint32_t checksum32(std::string_view bytes) noexcept;

// Bytes around a record's body: type and version before it, the checksum after it.
inline constexpr size_t kRecordHeadBytes = 2;
inline constexpr size_t kRecordTailBytes = 4;

// Appends one record to `out`: fields in order, then finish(), which seals it.
class RecordWriter {
 public:
  RecordWriter(std::string& out, uint8_t type, uint8_t version) : out_(out), from_(out.size()) {
    u8(type);
    u8(version);
  }
  RecordWriter(const RecordWriter&) = delete;
  RecordWriter& operator=(const RecordWriter&) = delete;

  void u8(uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void le32(uint32_t value) { append_le32(out_, value); }
  void le64(uint64_t value) { append_le64(out_, value); }
  void time(int64_t us) { append_le64(out_, static_cast<uint64_t>(us)); }
  void id(const Uuid& id) { out_.append(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()); }
  // At most 255 bytes, may be empty.
  void str(std::string_view text);
  // Less than 4 GiB: the store bounds every text long before.
  void blob(std::string_view text);
  // Bytes whose number the layout says.
  void raw(std::string_view bytes) { out_.append(bytes); }
  void finish();

 private:
  std::string& out_;
  size_t from_;
};

// Reads fields of fixed size in order; whoever makes it has made sure that their bytes are there.
class FixedFields {
 public:
  explicit FixedFields(std::string_view bytes) : at_(bytes.data()) {}

  uint8_t u8() noexcept { return static_cast<uint8_t>(*step(1)); }
  uint32_t le32() noexcept { return load_le32(step(4)); }
  uint64_t le64() noexcept { return load_le64(step(8)); }
  int64_t time() noexcept { return static_cast<int64_t>(le64()); }
  Uuid id() noexcept {
    Uuid id;
    std::memcpy(id.bytes.data(), step(id.bytes.size()), id.bytes.size());
    return id;
  }

 private:
  const char* step(size_t bytes) noexcept {
    const char* at = at_;
    at_ += bytes;
    return at;
  }
  const char* at_;
};

// Reads the fields of one record in order. A read past the end gives zero or nothing and makes ok() false for good, so
// a decoder reads all fields and asks once. Views point into the bytes given.
class RecordReader {
 public:
  // `body` is what lies between the envelope's head and tail.
  explicit RecordReader(std::string_view body) : rest_(body) {}

  uint8_t u8() noexcept {
    const std::string_view bytes = take(1);
    return bytes.empty() ? uint8_t{0} : static_cast<uint8_t>(bytes[0]);
  }
  uint32_t le32() noexcept {
    const std::string_view bytes = take(4);
    return bytes.empty() ? 0 : load_le32(bytes.data());
  }
  uint64_t le64() noexcept {
    const std::string_view bytes = take(8);
    return bytes.empty() ? 0 : load_le64(bytes.data());
  }
  int64_t time() noexcept { return static_cast<int64_t>(le64()); }
  Uuid id() noexcept {
    Uuid id;
    const std::string_view bytes = take(id.bytes.size());
    if (!bytes.empty()) std::memcpy(id.bytes.data(), bytes.data(), id.bytes.size());
    return id;
  }
  std::string_view str() noexcept { return take(u8()); }
  std::string_view blob() noexcept { return take(le32()); }

  // Exactly so many bytes, for FixedFields; empty when they are not there.
  std::string_view take(size_t bytes) noexcept {
    if (!ok_ || rest_.size() < bytes) {
      ok_ = false;
      return {};
    }
    const std::string_view taken(rest_.data(), bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  // ok, and nothing is left.
  [[nodiscard]] bool at_end() const noexcept { return ok_ && rest_.empty(); }
  [[nodiscard]] size_t bytes_left() const noexcept { return rest_.size(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace bobbin::store
