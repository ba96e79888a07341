#pragma once

#include <cstddef>
#include <string>

namespace bobbin::bench {

// The store by itself, as a process: what it keeps in memory of a message that is being answered in a new thread. That
// is in a stream's growth of the server as well, but it is the message's, not the stream's: it was there before the
// stream and is there after it, until buffers of a fixed size are written out.
//
// Stores `messages` of them in a store of its own in `directory`, and says `bytes N`: by how much this process has
// grown. Threads and users are named as those of streams.
[[noreturn]] void run_store(const std::string& directory, size_t messages, size_t question_bytes);

}  // namespace bobbin::bench
