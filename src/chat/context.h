#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/upstream/prompt.h"
#include "storage/types.h"

// What of a thread the model is shown.
namespace bobbin::chat {

struct ContextOptions {
  std::string system_prompt;   // first message of every prompt; empty: none
  uint32_t tokens_max = 8000;  // for everything together, as estimate_tokens counts
};

inline constexpr size_t kBytesPerToken = 3;

// A guess on the safe side that needs no tokenizer: one token for three bytes, and four for the frame of each message.
// English has about four bytes a token; most other scripts have two or three bytes a character.
[[nodiscard]] uint64_t estimate_tokens(std::string_view text) noexcept;
// Of a stored message, with what it has called; its reasoning is not shown again.
[[nodiscard]] uint64_t estimate_tokens(const store::MessageView& message) noexcept;

// The prompt for the newest message of `newest_first`, which always goes along; before it as many earlier messages as
// the budget holds, without a gap, beginning with one of the user's: with what they called and what came of it, or
// where that is too much, without. Messages without text are left out. `memory`, of what lies before them, goes with
// the system prompt; empty: there is none.
[[nodiscard]] std::vector<upstream::ChatMessage> fit_context(const ContextOptions& options,
                                                             const std::vector<store::MessageView>& newest_first,
                                                             std::string_view memory = {});

// Keeps a prompt that grows by rounds of tools within the budget: earlier turns go first, oldest first, then results of
// earlier rounds, then the ends of the newest results. What the user asked now always stays.
void make_room(std::vector<upstream::ChatMessage>& messages, uint32_t tokens_max);

}  // namespace bobbin::chat
