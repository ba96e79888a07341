#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// Text as Unicode. All functions are pure and thread-safe.
namespace bobbin {

// Whether `text` is well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. NUL is allowed.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

// How many bytes at the end of `text` begin a character whose rest is not there yet (0 to 3). `text` before them
// may still be ill-formed. For input that arrives in pieces.
[[nodiscard]] size_t utf8_tail_bytes(std::string_view text) noexcept;

// `text` with every ill-formed sequence replaced by U+FFFD (the "maximal subpart" practice of Unicode 15, §3.9).
[[nodiscard]] std::string to_utf8_lossy(std::string_view text);

// Whether `text` has a C0 control, DEL or C1 control. Requires UTF-8.
[[nodiscard]] bool has_control_characters(std::string_view text) noexcept;

// `text` as names are compared by: case and compatibility forms (full width, ligatures) folded, invisible characters
// dropped (Unicode's NFKC_Casefold). Requires UTF-8.
[[nodiscard]] std::string fold_case(std::string_view text);

// `text` cut after its first `graphemes_max` grapheme clusters (UAX #29), with `...` appended when something was cut.
// Looks at no more than it keeps. Requires UTF-8.
[[nodiscard]] std::string cut_graphemes(std::string_view text, size_t graphemes_max);

// Same, for one line of a list: white space and control characters, in runs of any length, become one space first.
[[nodiscard]] std::string cut_line(std::string_view text, size_t graphemes_max);

}  // namespace bobbin
