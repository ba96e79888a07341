#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "src/upstream/prompt.h"

namespace bobbin::upstream {

// What the built-in model answers: that it is no language model, how to connect one, and the user's last message (its
// first 1000 characters), quoted. Markdown; the same prompt gives the same text.
[[nodiscard]] std::string offline_answer(const Prompt& prompt);

// The piece of `text` that begins at byte `at`, as a model would stream it: a word and the white space after it, or a
// part of a word without spaces, 24 bytes at most unless the white space is longer. Never splits a character. Empty
// only at the end. Requires UTF-8 and `at` at the begin of a character.
[[nodiscard]] std::string_view next_piece(std::string_view text, size_t at) noexcept;

}  // namespace bobbin::upstream
