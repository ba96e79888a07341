#include "src/upstream/offline_answer.h"

#include "src/base/text.h"

namespace bobbin::upstream {
namespace {

constexpr size_t kQuotedGraphemesMax = 1000;
constexpr size_t kPieceBytesMax = 24;

constexpr std::string_view kIntroduction =
    "I am Bobbin's built-in answer, not a language model: no model is connected yet. Your message has been stored, "
    "and this reply is streamed and stored like any other.\n"
    "\n"
    "To chat with a real model, run one on this machine and tell Bobbin where it is:\n"
    "\n"
    "```\n"
    "bobbin serve --upstream http://127.0.0.1:11434   # Ollama, after: ollama pull llama3.2\n"
    "bobbin serve --upstream http://127.0.0.1:8080    # llama.cpp, after: llama-server -m model.gguf\n"
    "```\n"
    "\n"
    "Any OpenAI-compatible server will do. With `--upstream auto`, Bobbin looks for one on this machine every 30 "
    "seconds.\n";

std::string_view last_user_message(const Prompt& prompt) noexcept {
  for (auto message = prompt.messages.rbegin(); message != prompt.messages.rend(); ++message) {
    if (message->role == Role::user) return message->content;
  }
  return {};
}

void append_quote(std::string& out, std::string_view text) {
  out.append("> ");
  for (const char c : text) {
    out.push_back(c);
    if (c == '\n') out.append("> ");
  }
  out.push_back('\n');
}

constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
constexpr bool continues_character(char c) noexcept { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

std::string offline_answer(const Prompt& prompt) {
  std::string answer(kIntroduction);
  const std::string_view message = last_user_message(prompt);
  if (message.empty()) return answer;
  answer.append("\nYou wrote:\n\n");
  append_quote(answer, cut_graphemes(message, kQuotedGraphemesMax));
  return answer;
}

std::string_view next_piece(std::string_view text, size_t at) noexcept {
  text.remove_prefix(at);
  size_t end = 0;
  while (end < text.size() && !is_space(text[end])) {
    if (end >= kPieceBytesMax - 3 && !continues_character(text[end])) return text.substr(0, end);
    ++end;
  }
  while (end < text.size() && is_space(text[end])) ++end;
  return text.substr(0, end);
}

}  // namespace bobbin::upstream
