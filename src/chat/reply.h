#pragma once

#include <string>
#include <string_view>

// Pieces of the texts that a model is given and gives. Pure.
namespace bobbin::chat {

// The beginning or the end of a text, whole characters, at most so many bytes. Requires UTF-8.
[[nodiscard]] std::string_view begin_of(std::string_view text, size_t bytes_max) noexcept;
[[nodiscard]] std::string_view end_of(std::string_view text, size_t bytes_max) noexcept;

// Without ASCII white space around it.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

// What comes after the thoughts that some servers leave in a reply; empty while they go on.
[[nodiscard]] std::string_view after_thoughts(std::string_view reply) noexcept;

}  // namespace bobbin::chat
