#include "src/chat/reply.h"

#include "src/base/text.h"

namespace bobbin::chat {
namespace {

constexpr std::string_view kThoughtsBegin = "<think>";
constexpr std::string_view kThoughtsEnd = "</think>";

constexpr bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

std::string_view begin_of(std::string_view text, size_t bytes_max) noexcept {
  if (text.size() <= bytes_max) return text;
  text = text.substr(0, bytes_max);
  text.remove_suffix(utf8_tail_bytes(text));
  return text;
}

std::string_view end_of(std::string_view text, size_t bytes_max) noexcept {
  if (text.size() <= bytes_max) return text;
  size_t from = text.size() - bytes_max;
  while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xc0) == 0x80) ++from;
  return text.substr(from);
}

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view after_thoughts(std::string_view reply) noexcept {
  while (!reply.empty() && is_space(reply.front())) reply.remove_prefix(1);
  if (!reply.starts_with(kThoughtsBegin)) return reply;
  const size_t end = reply.find(kThoughtsEnd);
  if (end == std::string_view::npos) return {};
  reply.remove_prefix(end + kThoughtsEnd.size());
  while (!reply.empty() && is_space(reply.front())) reply.remove_prefix(1);
  return reply;
}

}  // namespace bobbin::chat
