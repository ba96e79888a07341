#include "src/chat/context.h"

#include <algorithm>
#include <optional>

namespace bobbin::chat {
namespace {

std::optional<upstream::Role> prompt_role(store::Role role) noexcept {
  switch (role) {
    case store::Role::system: return upstream::Role::system;
    case store::Role::user: return upstream::Role::user;
    case store::Role::assistant: return upstream::Role::assistant;
    case store::Role::tool: return std::nullopt;  // means nothing without the call that it answers
  }
  return std::nullopt;
}

}  // namespace

uint64_t estimate_tokens(std::string_view text) noexcept {
  return (text.size() + kBytesPerToken - 1) / kBytesPerToken + 4;
}

std::vector<upstream::ChatMessage> fit_context(const ContextOptions& options,
                                               std::vector<store::Message> newest_first) {
  std::vector<upstream::ChatMessage> prompt;
  uint64_t tokens = options.system_prompt.empty() ? 0 : estimate_tokens(options.system_prompt);
  for (store::Message& message : newest_first) {
    const std::optional<upstream::Role> role = prompt_role(message.role);
    if (!role || message.content.empty()) continue;
    tokens += estimate_tokens(message.content);
    if (tokens > options.tokens_max && !prompt.empty()) break;
    prompt.push_back({*role, std::move(message.content)});
  }
  // Some model servers refuse a conversation that begins with an answer.
  while (prompt.size() > 1 && prompt.back().role == upstream::Role::assistant) prompt.pop_back();
  if (!options.system_prompt.empty()) prompt.push_back({upstream::Role::system, options.system_prompt});
  std::reverse(prompt.begin(), prompt.end());
  return prompt;
}

}  // namespace bobbin::chat
