#include "src/chat/context.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "src/base/text.h"
#include "src/chat/reply.h"
#include "src/chat/tool_steps.h"

namespace bobbin::chat {
namespace {

constexpr const char* kUnknownOutcome =
    "Outcome unknown: the server ended while this call was under way. It may have happened or not.";

// Before what the model noted of messages that it is no longer shown.
constexpr std::string_view kMemoryFollows = "The conversation began earlier. Your notes of that part:\n";

constexpr std::string_view kLeftOut = "(This result was left out to make room. Call again if it is needed.)";
constexpr std::string_view kCutShort = "\n(Cut here: the rest does not fit.)";
// A result is never cut below so many bytes.
constexpr size_t kResultBytesMin = 512;

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

uint64_t estimate_tokens(const store::MessageView& message) noexcept {
  return estimate_tokens(message.content) + (message.tool_steps.empty() ? 0 : estimate_tokens(message.tool_steps));
}

namespace {

// The first message of a prompt; empty: none. A second one of its role is more than some servers take.
std::string system_message(const ContextOptions& options, std::string_view memory) {
  std::string text = options.system_prompt;
  if (memory.empty()) return text;
  if (!text.empty()) text.append("\n\n");
  return text.append(kMemoryFollows).append(begin_of(memory, size_t{options.tokens_max} / 4 * kBytesPerToken));
}

std::string without_break(std::string_view text) {
  while (text.starts_with('\n')) text.remove_prefix(1);
  return std::string(text);
}

// One message of a thread as the model sees it, oldest first: an answer that called tools is several.
std::vector<upstream::ChatMessage> expand(upstream::Role role, const store::MessageView& message, bool with_steps) {
  std::vector<upstream::ChatMessage> shown;
  std::string_view rest = message.content;
  size_t at = 0;
  for (ToolStep& step : with_steps ? decode_tool_steps(message.tool_steps) : std::vector<ToolStep>()) {
    const size_t end = std::clamp<size_t>(step.text_end, at, message.content.size());
    upstream::ChatMessage& calls =
        shown.emplace_back(upstream::ChatMessage{upstream::Role::assistant, without_break(rest.substr(0, end - at))});
    rest.remove_prefix(end - at);
    at = end;
    for (const ToolCallStep& call : step.calls) calls.tool_calls.push_back({call.id, call.name, call.arguments});
    for (ToolCallStep& call : step.calls) {
      const bool is_known = call.state != ToolCallStep::State::running;
      shown.push_back({upstream::Role::tool, is_known ? std::move(call.result) : kUnknownOutcome, {}, call.id});
    }
  }
  std::string last = shown.empty() ? std::string(rest) : without_break(rest);
  if (!last.empty()) shown.push_back({role, std::move(last)});
  return shown;
}

uint64_t estimate_tokens(const std::vector<upstream::ChatMessage>& messages) {
  uint64_t tokens = 0;
  for (const upstream::ChatMessage& message : messages) {
    tokens += chat::estimate_tokens(message.content);
    for (const upstream::ToolCall& call : message.tool_calls)
      tokens += chat::estimate_tokens(call.name) + chat::estimate_tokens(call.arguments);
  }
  return tokens;
}

}  // namespace

std::vector<upstream::ChatMessage> fit_context(const ContextOptions& options,
                                               const std::vector<store::MessageView>& newest_first,
                                               std::string_view memory) {
  std::vector<upstream::ChatMessage> prompt;  // newest first
  std::string system = system_message(options, memory);
  uint64_t tokens = system.empty() ? 0 : estimate_tokens(system);
  for (const store::MessageView& message : newest_first) {
    const std::optional<upstream::Role> role = prompt_role(message.role);
    if (!role) continue;
    std::vector<upstream::ChatMessage> shown = expand(*role, message, true);
    // What was called goes before what was said.
    if (tokens + estimate_tokens(shown) > options.tokens_max && !message.tool_steps.empty())
      shown = expand(*role, message, false);
    if (shown.empty()) continue;
    tokens += estimate_tokens(shown);
    if (tokens > options.tokens_max && !prompt.empty()) break;
    prompt.insert(prompt.end(), std::make_move_iterator(shown.rbegin()), std::make_move_iterator(shown.rend()));
  }
  // Some model servers refuse a conversation that begins with an answer.
  while (prompt.size() > 1 &&
         (prompt.back().role == upstream::Role::assistant || prompt.back().role == upstream::Role::tool))
    prompt.pop_back();
  if (!system.empty()) prompt.push_back({upstream::Role::system, std::move(system)});
  std::reverse(prompt.begin(), prompt.end());
  return prompt;
}

void make_room(std::vector<upstream::ChatMessage>& messages, uint32_t tokens_max) {
  using upstream::Role;
  uint64_t tokens = estimate_tokens(messages);
  const auto last_of = [&](auto is_one) {
    for (size_t i = messages.size(); i > 0; --i) {
      if (is_one(messages[i - 1])) return i - 1;
    }
    return size_t{0};
  };
  const size_t first = !messages.empty() && messages[0].role == Role::system ? 1 : 0;
  size_t question = last_of([](const auto& message) { return message.role == Role::user; });
  while (tokens > tokens_max && first < question) {
    size_t next_turn = first + 1;
    while (next_turn < question && messages[next_turn].role != Role::user) ++next_turn;
    messages.erase(messages.begin() + static_cast<ptrdiff_t>(first),
                   messages.begin() + static_cast<ptrdiff_t>(next_turn));
    question -= next_turn - first;
    tokens = estimate_tokens(messages);
  }
  const size_t newest = last_of([](const auto& message) { return !message.tool_calls.empty(); });
  for (size_t i = question; i < newest && tokens > tokens_max; ++i) {
    upstream::ChatMessage& message = messages[i];
    if (message.role != Role::tool || message.content.size() <= kLeftOut.size()) continue;
    tokens -= estimate_tokens(message.content) - estimate_tokens(kLeftOut);
    message.content = kLeftOut;
  }
  if (tokens <= tokens_max || newest + 1 >= messages.size()) return;
  uint64_t of_results = 0;
  for (size_t i = newest + 1; i < messages.size(); ++i) of_results += estimate_tokens(messages[i].content);
  const uint64_t others = tokens - of_results;
  const uint64_t share = (tokens_max > others ? tokens_max - others : 0) / (messages.size() - newest - 1);
  const size_t bytes_max = std::max<size_t>(share * kBytesPerToken, kResultBytesMin);
  for (size_t i = newest + 1; i < messages.size(); ++i) {
    std::string& content = messages[i].content;
    if (content.size() <= bytes_max) continue;
    content.resize(bytes_max);
    content.resize(content.size() - utf8_tail_bytes(content));
    content.append(kCutShort);
  }
}

}  // namespace bobbin::chat
