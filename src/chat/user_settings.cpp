#include "src/chat/user_settings.h"

#include <simdjson.h>

namespace bobbin::chat {

std::string decode_text_setting(std::string_view json) {
  simdjson::dom::parser parser;
  std::string_view text;
  if (parser.parse(simdjson::padded_string(json)).get(text) != simdjson::SUCCESS) return {};
  return std::string(text);
}

Result<UserSettings> read_user_settings(store::Store& store, const std::string& user, store::Tier tier) {
  UserSettings settings;
  TRY_ASSIGN(const auto system_prompt, store.read_setting(user, kSystemPromptSetting, tier));
  if (system_prompt) settings.system_prompt = decode_text_setting(*system_prompt);
  TRY_ASSIGN(const auto model, store.read_setting(user, kModelSetting, tier));
  if (model) settings.model = decode_text_setting(*model);
  return settings;
}

}  // namespace bobbin::chat
