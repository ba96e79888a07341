#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "src/upstream/prompt.h"

// The words of a title that the model makes: what it is asked, and what its reply says. Pure.
namespace bobbin::chat {

// Asks what to call a conversation that begins with these two; `answer` may be empty.
[[nodiscard]] upstream::Prompt title_prompt(std::string model, std::string_view question, std::string_view answer);

// Whether clean_title() would find nothing else if `reply` went on.
[[nodiscard]] bool is_reply_enough(std::string_view reply) noexcept;

// The title in a model's reply: its first line, without thoughts before it, a label, marks of Markdown and quotes
// around it, cut like any title. Nullopt: there is none, or the line is longer than any title.
[[nodiscard]] std::optional<std::string> clean_title(std::string_view reply);

}  // namespace bobbin::chat
