#pragma once

#include <string_view>

#include "src/base/result.h"
#include "storage/family.h"

namespace bobbin::store {

// Whether one row is what storage/FORMAT.md says of its family: the key fits its layout; the record has the family's
// type, a version that this program knows and a checksum that holds; and where the engine has a codec for it, the body
// decodes and every enum in it is known. Internal to storage, pure. Errors: corrupt, with what is wrong as `detail`.
Result<void> check_row(Family family, std::string_view key, std::string_view value);

}  // namespace bobbin::store
