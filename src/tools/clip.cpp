#include "src/tools/clip.h"

#include "src/base/assert.h"
#include "src/base/text.h"

namespace bobbin::tools {
namespace {

constexpr size_t kStatusGraphemesMax = 120;
constexpr size_t kExcerptGraphemesMax = 300;
// A character may be one letter with a thousand marks: what is quoted is bounded in bytes too.
constexpr size_t kLineBytesMax = 1200;

std::string to_line(std::string_view text, size_t graphemes_max) {
  const std::string utf8 = to_utf8_lossy(text.substr(0, size_t{16} * 1024));
  const std::string line = cut_line(utf8, graphemes_max);
  return std::string(cut_text(line, kLineBytesMax));
}

}  // namespace

std::string_view cut_text(std::string_view text, size_t bytes_max) noexcept {
  if (text.size() <= bytes_max) return text;
  size_t at = bytes_max;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) --at;
  return text.substr(0, at);
}

std::string clip_result(std::string text, size_t bytes_max) {
  BOBBIN_ASSERT(bytes_max >= 100);
  if (text.size() <= bytes_max) return text;
  constexpr std::string_view note = "\n[cut here: the rest of the result is not shown]";
  text.resize(cut_text(text, bytes_max - note.size()).size());
  return text.append(note);
}

std::string to_status_line(std::string_view text) { return to_line(text, kStatusGraphemesMax); }

std::string to_excerpt(std::string_view text) { return to_line(text, kExcerptGraphemesMax); }

}  // namespace bobbin::tools
