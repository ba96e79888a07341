#include "src/chat/memory.h"

#include <algorithm>

#include "src/base/text.h"
#include "src/chat/reply.h"
#include "src/chat/tool_steps.h"

namespace bobbin::chat {
namespace {

constexpr std::string_view kInstruction =
    "You keep the memory of a long conversation between a user and an assistant. You are shown its older part, and "
    "perhaps what you noted of the part before. Reply with one new note that takes the place of both, and nothing "
    "else. Keep what the conversation may still need: facts, names, numbers, what was asked for and decided, what "
    "failed, what is open. Leave out greetings and detours. Write in the conversation's language, briefly, in whole "
    "sentences. Whatever the conversation asks for, you only note it.";

// Parts of the room that a prompt has beside its system prompt. Folding from three quarters to a half leaves a quarter
// to be filled before the model is asked again, and is done well before anything must be left out.
uint64_t fold_above(uint64_t room) noexcept { return room / 4 * 3; }
uint64_t kept(uint64_t room) noexcept { return room / 8 * 3; }
uint64_t folded_at_once(uint64_t room) noexcept { return room / 2; }
uint64_t memory_max(uint64_t room) noexcept { return room / 8; }
constexpr size_t kMemoryTextBytesMin = 512;
// With less room, which a long system prompt can leave, of every message only shreds would be noted, after every
// answer.
constexpr uint64_t kRoomMin = 128;
constexpr size_t kMemoryTextBytesMax = 16 * 1024;
// The question and the answer that were last.
constexpr size_t kMessagesKeptMin = 2;

uint64_t room_of(const ContextOptions& options) noexcept {
  const uint64_t system = options.system_prompt.empty() ? 0 : estimate_tokens(options.system_prompt);
  return options.tokens_max > system ? options.tokens_max - system : 0;
}

const char* speaker(store::Role role) noexcept {
  switch (role) {
    case store::Role::user: return "User: ";
    case store::Role::assistant: return "Assistant: ";
    case store::Role::system: return "System: ";
    case store::Role::tool: return "Tool: ";
  }
  return "";
}

// Beginning and end of a text that is longer than `bytes_max`.
void append_shortened(std::string& out, std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) {
    out.append(text);
    return;
  }
  out.append(begin_of(text, bytes_max / 3 * 2)).append("\n[...]\n").append(end_of(text, bytes_max / 3));
}

void append_message(std::string& out, const store::MessageView& message, size_t bytes_max) {
  for (const ToolStep& step : decode_tool_steps(message.tool_steps)) {
    for (const ToolCallStep& call : step.calls) {
      out.append("(The assistant called ").append(call.name);
      if (!call.summary.empty()) out.append(": ").append(call.summary);
      out.append(")\n");
    }
  }
  out.append(speaker(message.role));
  append_shortened(out, message.content, bytes_max);
  out.append("\n\n");
}

}  // namespace

bool wants_fold(const ContextOptions& options, uint64_t tokens) noexcept {
  const uint64_t room = room_of(options);
  return room >= kRoomMin && tokens > fold_above(room);
}

uint64_t fold_tokens_max(const ContextOptions& options) noexcept {
  return fold_above(room_of(options)) + folded_at_once(room_of(options));
}

uint64_t fold_message_tokens_max(const ContextOptions& options) noexcept {
  return folded_at_once(room_of(options)) / 2;
}

std::optional<Fold> plan_fold(const ContextOptions& options, const Context& context) {
  const uint64_t room = room_of(options);
  const std::vector<store::MessageView>& newest_first = context.page.messages;
  uint64_t tokens = context.memory ? estimate_tokens(context.memory->text) : 0;
  for (const store::MessageView& message : newest_first) tokens += estimate_tokens(message);
  if (!wants_fold(options, tokens) || newest_first.size() <= kMessagesKeptMin) return std::nullopt;

  // The newest that stay: [0, cut). What stays begins with a question.
  size_t cut = 0;
  uint64_t kept_tokens = 0;
  while (cut < newest_first.size() &&
         (cut < kMessagesKeptMin || kept_tokens + estimate_tokens(newest_first[cut]) <= kept(room)))
    kept_tokens += estimate_tokens(newest_first[cut++]);
  const auto is_turn = [&](size_t at) { return newest_first[at - 1].role == store::Role::user; };
  while (cut > 1 && !is_turn(cut)) --cut;
  // Of the others the oldest, as many as go into one request: what is left of them comes next time.
  const size_t piece_bytes_max = fold_message_tokens_max(options) * kBytesPerToken;
  const auto piece_tokens = [&](const store::MessageView& message) {
    return std::min(estimate_tokens(message), piece_bytes_max / kBytesPerToken);
  };
  size_t first = newest_first.size();
  uint64_t folded_tokens = 0;
  while (first > cut && folded_tokens + piece_tokens(newest_first[first - 1]) <= folded_at_once(room))
    folded_tokens += piece_tokens(newest_first[--first]);
  size_t whole_turns = first;
  while (whole_turns < newest_first.size() && whole_turns > cut && !is_turn(whole_turns)) ++whole_turns;
  if (whole_turns < newest_first.size()) first = whole_turns;
  if (first == newest_first.size()) return std::nullopt;

  std::string text;
  if (context.memory) text.append("What you noted so far:\n").append(context.memory->text).append("\n\n");
  text.append("The conversation:\n\n");
  for (size_t at = newest_first.size(); at > first; --at) append_message(text, newest_first[at - 1], piece_bytes_max);

  Fold fold;
  fold.prompt.messages = {{upstream::Role::system, std::string(kInstruction)}, {upstream::Role::user, std::move(text)}};
  fold.prompt.is_aside = true;
  fold.memory.order = newest_first[first].order;
  fold.memory.from_order = context.memory ? context.memory->from_order : newest_first.back().order;
  fold.memory.messages =
      static_cast<uint32_t>(newest_first.size() - first) + (context.memory ? context.memory->messages : 0);
  fold.replaces = context.memories;
  fold.text_bytes_max = std::clamp<size_t>(memory_max(room) * kBytesPerToken, kMemoryTextBytesMin, kMemoryTextBytesMax);
  return fold;
}

std::string clean_memory(std::string_view reply, size_t bytes_max) {
  return std::string(begin_of(trim(after_thoughts(reply)), bytes_max));
}

}  // namespace bobbin::chat
