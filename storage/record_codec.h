#pragma once

#include <string>
#include <string_view>

#include "storage/codec.h"
#include "storage/records.h"

// What the codecs of all record types share. Internal to storage.
namespace bobbin::store {

// The only version of every record so far.
inline constexpr uint8_t kRecordVersion = 1;

inline RecordWriter begin_record(std::string& out, RecordType type) {
  return RecordWriter(out, static_cast<uint8_t>(type), kRecordVersion);
}

// The body of a record whose envelope is sound. Errors: corrupt.
Result<RecordReader> open_record(std::string_view record, RecordType type);

template <class Enum>
bool in_range(Enum value, Enum first, Enum last) {
  return value >= first && value <= last;
}

inline tl::unexpected<Error> misfit(std::source_location where = std::source_location::current()) {
  return fail(Code::corrupt, 0, "record does not fit its layout", where);
}

}  // namespace bobbin::store
