#pragma once

#include <string>

#include "src/base/result.h"

// The data directory as a place (storage/FORMAT.md, "The directory"). Internal to storage; blocks.
namespace bobbin::store {

// Takes the directory for this process, making it (mode 0700) and its lock file when they are not there. The descriptor
// holds the lock until it is closed. Errors: busy (another process, or this one, has it), io.
Result<int> lock_directory(std::string directory);

// Makes a directory of mode 0700, and those above it that are missing (with the usual mode), durably: their names are
// synced. One that is there is left as it is. Errors: io with errno and `detail`.
Result<void> make_directory(const std::string& path, const char* detail);

}  // namespace bobbin::store
