#pragma once

#include <cstdint>
#include <string>

#include "storage/types.h"

namespace bobbin::chat {

// A thread as the list of sessions and the live feed show it: one JSON object. `keep_s`: how long its user's threads
// are kept (Store::read_keep_s).
void append_session(std::string& out, const store::ThreadSummary& thread, uint32_t keep_s);

}  // namespace bobbin::chat
