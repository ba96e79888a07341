#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// Cutting text to size. All of it requires and gives UTF-8.
namespace bobbin::tools {

// The longest beginning of `text` that has at most `bytes_max` bytes and ends between two characters.
[[nodiscard]] std::string_view cut_text(std::string_view text, size_t bytes_max) noexcept;

// `text`, or a beginning of it and a note that the rest was cut; at most `bytes_max` bytes with the note.
// Requires bytes_max >= 100.
[[nodiscard]] std::string clip_result(std::string text, size_t bytes_max);

// One line for people: UTF-8 whatever came in, controls and white space as single spaces, 120 characters at most.
[[nodiscard]] std::string to_status_line(std::string_view text);

// As to_status_line, for a quotation in a sentence for the model, 300 characters at most.
[[nodiscard]] std::string to_excerpt(std::string_view text);

}  // namespace bobbin::tools
