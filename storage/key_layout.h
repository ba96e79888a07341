#pragma once

#include <string>
#include <string_view>

#include "storage/family.h"

// The shape of every family's keys as a table (storage/FORMAT.md, "Keys"): for tools that look at all rows, also those
// that no code of the engine writes yet. Internal to storage, pure.
namespace bobbin::store {

// Whether `key` can be a key of `family`: all parts there, ids of 1 to 128 bytes, nothing left over.
bool fits_layout(Family family, std::string_view key) noexcept;

// The key for a person's eyes: `user "anna" thread "trip" order 1700000000000000`. Bytes that are no UTF-8 are replaced
// and controls escaped; a key that does not fit its layout comes as `bytes 0a1b…`. Never fails.
std::string describe_key(Family family, std::string_view key);

}  // namespace bobbin::store
