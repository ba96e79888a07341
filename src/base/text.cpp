#include "src/base/text.h"

#include <utf8proc.h>

#include <cstdint>
#include <cstdlib>

namespace bobbin {
namespace {

constexpr char kReplacement[] = "\xEF\xBF\xBD";

// How many bytes at `at` are one well-formed character (1 to 4), or 0; then `bad_bytes` is the length of the
// maximal ill-formed prefix, and `cut` tells that the text merely ended too early.
struct Step {
  uint8_t bytes = 0;
  uint8_t bad_bytes = 1;
  bool cut = false;
};

// Ranges of the second byte by the first: Unicode 15, table 3-7.
Step step(const uint8_t* at, size_t left) noexcept {
  const uint8_t lead = at[0];
  if (lead < 0x80) return {.bytes = 1};
  uint8_t need = 0;
  uint8_t low = 0x80;
  uint8_t high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    need = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    need = 3;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    need = 4;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
  } else {
    return {};
  }
  for (uint8_t i = 1; i < need; ++i) {
    if (i >= left) return {.bytes = 0, .bad_bytes = i, .cut = true};
    if (at[i] < low || at[i] > high) return {.bytes = 0, .bad_bytes = i};
    low = 0x80;
    high = 0xbf;
  }
  return {.bytes = need};
}

const uint8_t* bytes_of(std::string_view text) noexcept { return reinterpret_cast<const uint8_t*>(text.data()); }

// One character of well-formed UTF-8.
utf8proc_int32_t code_point(const uint8_t* at, uint8_t bytes) noexcept {
  switch (bytes) {
    case 1: return at[0];
    case 2: return (at[0] & 0x1f) << 6 | (at[1] & 0x3f);
    case 3: return (at[0] & 0x0f) << 12 | (at[1] & 0x3f) << 6 | (at[2] & 0x3f);
    default: return (at[0] & 0x07) << 18 | (at[1] & 0x3f) << 12 | (at[2] & 0x3f) << 6 | (at[3] & 0x3f);
  }
}

bool is_line_space(utf8proc_int32_t c) noexcept {
  const utf8proc_category_t category = utf8proc_category(c);
  return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP;
}

// A cluster of hundreds of combining marks is an attack on the sidebar, not a letter.
constexpr size_t kClusterBytesMax = 64;

// Two of them are two clusters, which needs no table.
bool is_printable_ascii(utf8proc_int32_t c) noexcept { return c >= 0x20 && c < 0x7f; }

std::string cut(std::string_view text, size_t graphemes_max, bool one_line) {
  std::string out;
  const uint8_t* bytes = bytes_of(text);
  utf8proc_int32_t previous = -1;
  utf8proc_int32_t break_state = 0;
  size_t graphemes = 0;
  size_t cluster_from = 0;
  bool space_waits = false;
  for (size_t i = 0; i < text.size();) {
    const Step one = step(bytes + i, text.size() - i);
    if (one.bytes == 0) {  // the caller promised UTF-8; stay inside the text all the same
      i += one.bad_bytes;
      continue;
    }
    utf8proc_int32_t c = code_point(bytes + i, one.bytes);
    std::string_view shown = text.substr(i, one.bytes);
    i += one.bytes;
    if (one_line && is_line_space(c)) {
      space_waits = !out.empty();
      continue;
    }
    if (space_waits) {
      space_waits = false;
      if (++graphemes > graphemes_max) return out += "...";
      out.push_back(' ');
      previous = ' ';
      break_state = 0;
      cluster_from = out.size() - 1;
    }
    bool starts_cluster = true;
    if (is_printable_ascii(previous) && is_printable_ascii(c)) {
      break_state = 0;  // as after any two that have nothing to do with each other
    } else if (previous >= 0) {
      starts_cluster = utf8proc_grapheme_break_stateful(previous, c, &break_state);
    }
    if (starts_cluster) {
      if (++graphemes > graphemes_max) return out += "...";
      cluster_from = out.size();
    } else if (out.size() - cluster_from + shown.size() > kClusterBytesMax) {
      continue;
    }
    out.append(shown);
    previous = c;
  }
  return out;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  const uint8_t* bytes = bytes_of(text);
  for (size_t i = 0; i < text.size();) {
    // Eight ASCII bytes at a time: almost all of most texts.
    if (text.size() - i >= 8) {
      uint64_t word;
      __builtin_memcpy(&word, bytes + i, 8);
      if ((word & 0x8080808080808080u) == 0) {
        i += 8;
        continue;
      }
    }
    const Step one = step(bytes + i, text.size() - i);
    if (one.bytes == 0) return false;
    i += one.bytes;
  }
  return true;
}

size_t utf8_tail_bytes(std::string_view text) noexcept {
  const uint8_t* bytes = bytes_of(text);
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const uint8_t byte = bytes[text.size() - back];
    if ((byte & 0xc0) == 0x80) continue;  // a continuation: its lead is further back
    const Step one = step(bytes + text.size() - back, back);
    return one.cut ? back : 0;
  }
  return 0;
}

std::string to_utf8_lossy(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const uint8_t* bytes = bytes_of(text);
  for (size_t i = 0; i < text.size();) {
    const Step one = step(bytes + i, text.size() - i);
    if (one.bytes == 0) {
      out.append(kReplacement);
      i += one.bad_bytes;
    } else {
      out.append(text, i, one.bytes);
      i += one.bytes;
    }
  }
  return out;
}

bool has_control_characters(std::string_view text) noexcept {
  const uint8_t* bytes = bytes_of(text);
  for (size_t i = 0; i < text.size(); ++i) {
    if (bytes[i] < 0x20 || bytes[i] == 0x7f) return true;
    // C1 controls are U+0080 to U+009F: C2 80 to C2 9F.
    if (bytes[i] == 0xc2 && i + 1 < text.size() && bytes[i + 1] >= 0x80 && bytes[i + 1] <= 0x9f) return true;
  }
  return false;
}

std::string fold_case(std::string_view text) {
  constexpr int kFold = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
  utf8proc_uint8_t* folded = nullptr;
  const auto bytes =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &folded, static_cast<utf8proc_option_t>(kFold));
  if (bytes < 0) return {};  // ill-formed, against what is required, or no memory
  std::string result(reinterpret_cast<const char*>(folded), static_cast<size_t>(bytes));
  std::free(folded);  // NOLINT(cppcoreguidelines-no-malloc): the library's
  return result;
}

std::string cut_graphemes(std::string_view text, size_t graphemes_max) { return cut(text, graphemes_max, false); }

std::string cut_line(std::string_view text, size_t graphemes_max) { return cut(text, graphemes_max, true); }

}  // namespace bobbin
