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
  void finish();

 private:
  std::string& out_;
  size_t from_;
};

// Reads the fields of one record in order. A read past the end gives zero or nothing and makes ok() false for good, so
// a decoder reads all fields and asks once. Views point into the bytes given.
class RecordReader {
 public:
  // `body` is what lies between the envelope's head and tail.
  explicit RecordReader(std::string_view body) : rest_(body) {}

  uint8_t u8() noexcept;
  uint32_t le32() noexcept;
  uint64_t le64() noexcept;
  int64_t time() noexcept { return static_cast<int64_t>(le64()); }
  Uuid id() noexcept;
  std::string_view str() noexcept { return take(u8()); }
  std::string_view blob() noexcept { return take(le32()); }

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  // ok, and nothing is left.
  [[nodiscard]] bool at_end() const noexcept { return ok_ && rest_.empty(); }
  [[nodiscard]] size_t bytes_left() const noexcept { return rest_.size(); }

 private:
  std::string_view take(size_t bytes) noexcept;

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace bobbin::store
