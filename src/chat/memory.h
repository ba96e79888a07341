#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/chat/context.h"
#include "src/chat/context_reader.h"
#include "src/upstream/prompt.h"
#include "storage/types.h"

// What a model makes of the older part of a conversation that becomes too long for it: when it is asked, for what, and
// how its reply is kept. Pure.
namespace bobbin::chat {

// Whether a conversation of so many tokens, without the system prompt, is to be folded before it is too long.
[[nodiscard]] bool wants_fold(const ContextOptions& options, uint64_t tokens) noexcept;

// How much of a branch plan_fold() must be given: what is shown, and what no longer fits.
[[nodiscard]] uint64_t fold_tokens_max(const ContextOptions& options) noexcept;
// What one message counts of that at most: a longer one is shortened. So one long text does not hide the memory before
// it, which the new one has to go on from.
[[nodiscard]] uint64_t fold_message_tokens_max(const ContextOptions& options) noexcept;

struct Fold {
  upstream::Prompt prompt;         // without a model
  store::Memory memory;            // without model, time and text
  std::vector<uint64_t> replaces;  // as store::PutMemory says
  size_t text_bytes_max = 0;       // of the reply
};

// The oldest messages of `context` that are to be folded, together with its memory; the newest turns stay as they are.
// nullopt: it is short enough. Messages older than the context and in no memory are lost to the model, as before.
[[nodiscard]] std::optional<Fold> plan_fold(const ContextOptions& options, const Context& context);

// The memory in a model's reply; empty: there is none.
[[nodiscard]] std::string clean_memory(std::string_view reply, size_t bytes_max);

}  // namespace bobbin::chat
