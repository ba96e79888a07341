#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "src/base/result.h"

// Small files, whole. These calls block on disk.
namespace bobbin::auth {

// What is in `path`. Errors: not_found (there is no such file), io (number is errno), too_large (more than
// `bytes_max`).
Result<std::string> read_small_file(const std::string& path, size_t bytes_max);

// Puts `text` in the place of `path`, mode 0600, with its directory synced: whoever reads it, also after a power cut,
// finds the old bytes or the new ones. One writer at a time. Errors: io (number is errno).
Result<void> replace_small_file(const std::string& path, std::string_view text);

}  // namespace bobbin::auth
