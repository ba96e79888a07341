#include "storage/codec.h"

#include <xxhash.h>

#include <limits>

#include "src/base/assert.h"

namespace bobbin::store {

uint32_t checksum32(std::string_view bytes) noexcept {
  return static_cast<uint32_t>(XXH3_64bits(bytes.data(), bytes.size()));
}

void RecordWriter::str(std::string_view text) {
  BOBBIN_ASSERT(text.size() <= std::numeric_limits<uint8_t>::max());
  u8(static_cast<uint8_t>(text.size()));
  out_.append(text);
}

void RecordWriter::blob(std::string_view text) {
  BOBBIN_ASSERT(text.size() <= std::numeric_limits<uint32_t>::max());
  le32(static_cast<uint32_t>(text.size()));
  out_.append(text);
}

void RecordWriter::finish() { le32(checksum32(std::string_view(out_).substr(from_))); }

std::string_view RecordReader::take(size_t bytes) noexcept {
  if (!ok_ || rest_.size() < bytes) {
    ok_ = false;
    return {};
  }
  const std::string_view taken = rest_.substr(0, bytes);
  rest_.remove_prefix(bytes);
  return taken;
}

uint8_t RecordReader::u8() noexcept {
  const std::string_view bytes = take(1);
  return bytes.empty() ? uint8_t{0} : static_cast<uint8_t>(bytes[0]);
}

uint32_t RecordReader::le32() noexcept {
  const std::string_view bytes = take(4);
  return bytes.empty() ? 0 : load_le32(bytes.data());
}

uint64_t RecordReader::le64() noexcept {
  const std::string_view bytes = take(8);
  return bytes.empty() ? 0 : load_le64(bytes.data());
}

Uuid RecordReader::id() noexcept {
  Uuid id;
  const std::string_view bytes = take(id.bytes.size());
  if (!bytes.empty()) std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
  return id;
}

}  // namespace bobbin::store
