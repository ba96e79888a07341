#include "storage/codec.h"

#include <xxhash.h>
#if defined(__x86_64__)
  #include <xxh_x86dispatch.h>  // the widest registers that this machine has: half the time of a page's checksums
#endif

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

}  // namespace bobbin::store
