#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/store.h"

namespace bobbin::chat {

// What there is to be shown of a thread.
struct Context {
  // The newest messages of the active branch, newest first: those that no memory covers, or as many as were asked for.
  store::HistoryPage page;
  // Of what lies before them, where it reaches up to them. A branch that was left has none here.
  std::optional<store::Memory> memory;
  // All that the thread has, by their orders: a new memory takes their place.
  std::vector<uint64_t> memories;
};

// Reads until `tokens_max` are passed, as estimate_tokens counts, and of one message `message_tokens_max` at most. A
// memory that cannot be read counts as none. On the pool. Errors: those of Store::read_history.
Result<Context> read_context(store::Store& store, const std::string& user, const std::string& thread,
                             uint64_t tokens_max, store::Tier tier, uint64_t message_tokens_max = UINT64_MAX);

}  // namespace bobbin::chat
