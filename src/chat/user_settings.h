#pragma once

#include <string>
#include <string_view>

#include "storage/store.h"

namespace bobbin::chat {

// Names of the settings that runs obey. Each value is a JSON string.
inline constexpr std::string_view kSystemPromptSetting = "system_prompt";
inline constexpr std::string_view kModelSetting = "model";
// About 2 700 tokens: a third of the usual budget for a prompt.
inline constexpr size_t kUserSystemPromptBytesMax = 8 * 1024;

// What a user has chosen for the model's answers.
struct UserSettings {
  std::string system_prompt;  // after the server's own; empty: none
  std::string model;          // where a request names none; empty: the server's default
};

// Errors: those of Store::read_setting.
Result<UserSettings> read_user_settings(store::Store& store, const std::string& user, store::Tier tier);

// The text of a JSON string of our own making; empty for anything else.
[[nodiscard]] std::string decode_text_setting(std::string_view json);

}  // namespace bobbin::chat
