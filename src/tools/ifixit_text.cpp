#include "src/tools/ifixit_text.h"

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "proto_http/characters.h"
#include "proto_http/headers.h"
#include "src/base/text.h"

namespace bobbin::tools {
namespace {

// Controls would only confuse whoever reads this in a log or a terminal; C1 controls begin with 0xc2.
std::string without_controls(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool is_c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (is_c1) {
      ++i;
      continue;
    }
    if (byte == '\r' || byte == 0x7f || (byte < 0x20 && byte != '\n' && byte != '\t')) continue;
    clean.push_back(byte == '\t' ? ' ' : text[i]);
  }
  while (!clean.empty() && (clean.back() == '\n' || clean.back() == ' ')) clean.pop_back();
  return clean.substr(std::min(clean.find_first_not_of("\n "), clean.size()));
}

// What stands in `[…]` or `[[…]]`, between the brackets, as it reads: the last part that is words.
std::string_view link_words(std::string_view inside) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t bar = inside.find('|');
    parts.push_back(inside.substr(0, bar));
    if (bar == std::string_view::npos) break;
    inside.remove_prefix(bar + 1);
  }
  if (parts[0] == "image" || parts[0] == "video") return {};
  // Options (`new_window=true`) may follow the words.
  while (parts.size() > 1 && parts.back().find('=') != std::string_view::npos &&
         parts.back().find("://") == std::string_view::npos)
    parts.pop_back();
  return parts.back();
}

// Appends the link at the front of `text`, which begins with `[`, and gives its bytes; 0 when it is none.
size_t take_link(std::string_view text, std::string& out) {
  const bool is_double = text.starts_with("[[");
  const std::string_view end_mark = is_double ? "]]" : "]";
  // Links are short: an open bracket without its end must not make every later one look through the rest.
  const size_t end = text.substr(0, 2000).find(end_mark);
  if (end == std::string_view::npos) return 0;
  const std::string_view inside = text.substr(end_mark.size(), end - end_mark.size());
  if (inside.find('\n') != std::string_view::npos) return 0;
  if (!is_double && inside.find('|') == std::string_view::npos) return 0;  // plain brackets: "[sic]"
  out.append(link_words(inside));
  return end + end_mark.size();
}

std::optional<std::string> decode_reference(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kNamed = {{{"amp", "&"},
                                                                                     {"lt", "<"},
                                                                                     {"gt", ">"},
                                                                                     {"quot", "\""},
                                                                                     {"apos", "'"},
                                                                                     {"nbsp", " "},
                                                                                     {"deg", "\u00b0"},
                                                                                     {"ndash", "\u2013"},
                                                                                     {"mdash", "\u2014"},
                                                                                     {"rsquo", "\u2019"},
                                                                                     {"hellip", "\u2026"},
                                                                                     {"times", "\u00d7"}}};
  for (const auto& [known, text] : kNamed) {
    if (name == known) return std::string(text);
  }
  if (name.size() < 2 || name[0] != '#') return std::nullopt;
  const bool is_hex = name[1] == 'x' || name[1] == 'X';
  const std::string_view digits = name.substr(is_hex ? 2 : 1);
  if (digits.empty() || digits.size() > 6) return std::nullopt;
  uint32_t code = 0;
  for (const char c : digits) {
    const int digit = http::hex_value(static_cast<unsigned char>(c));
    if (digit < 0 || (!is_hex && digit > 9)) return std::nullopt;
    code = code * (is_hex ? 16 : 10) + static_cast<uint32_t>(digit);
  }
  if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return std::nullopt;
  std::string utf8;
  if (code < 0x80) {
    utf8.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    utf8.push_back(static_cast<char>(0xc0 | (code >> 6)));
    utf8.push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else if (code < 0x10000) {
    utf8.push_back(static_cast<char>(0xe0 | (code >> 12)));
    utf8.push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3f)));
    utf8.push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else {
    utf8.push_back(static_cast<char>(0xf0 | (code >> 18)));
    utf8.push_back(static_cast<char>(0x80 | ((code >> 12) & 0x3f)));
    utf8.push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3f)));
    utf8.push_back(static_cast<char>(0x80 | (code & 0x3f)));
  }
  return utf8;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) noexcept {
  for (const std::string_view one : names) {
    if (http::equals_ignoring_case(name, one)) return true;
  }
  return false;
}

// The name in `tag` (what stands between < and >), without `/`.
std::string_view tag_name(std::string_view tag) noexcept {
  if (tag.starts_with('/')) tag.remove_prefix(1);
  return tag.substr(0, tag.find_first_of(" \t\r\n/>"));
}

}  // namespace

std::string strip_wiki_markup(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const std::string_view rest = text.substr(i);
    if (rest.starts_with("''") || rest.starts_with("==")) {
      const char mark = rest[0];
      while (i < text.size() && text[i] == mark) ++i;
      continue;
    }
    if (rest[0] == '[') {
      const size_t bytes = take_link(rest, plain);
      if (bytes > 0) {
        i += bytes;
        continue;
      }
    }
    plain.push_back(text[i++]);
  }
  return without_controls(plain);
}

std::string strip_html(std::string_view html) {
  std::string plain;
  plain.reserve(html.size());
  for (size_t i = 0; i < html.size();) {
    const std::string_view rest = html.substr(i);
    if (rest[0] == '<' && rest.size() > 1 &&
        (http::is_alpha(static_cast<unsigned char>(rest[1])) || rest[1] == '/' || rest[1] == '!')) {
      const size_t end = rest.find('>');
      if (end == std::string_view::npos) break;  // a tag that was cut
      const std::string_view name = tag_name(rest.substr(1, end - 1));
      i += end + 1;
      if (rest[1] != '/' && is_one_of(name, {"script", "style"})) {
        const size_t close = html.find("</", i);
        i = close == std::string_view::npos ? html.size() : close;
      } else if (is_one_of(name, {"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6"})) {
        if (!plain.empty() && plain.back() != '\n') plain.push_back('\n');
      }
      continue;
    }
    if (rest[0] == '&') {
      const size_t end = rest.substr(0, 12).find(';');
      const auto text = end == std::string_view::npos ? std::nullopt : decode_reference(rest.substr(1, end - 1));
      if (text) {
        plain += *text;
        i += end + 1;
        continue;
      }
    }
    plain.push_back(html[i++]);
  }
  return without_controls(plain);
}

}  // namespace bobbin::tools
