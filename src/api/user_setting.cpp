#include "src/api/user_setting.h"

#include "src/api/json_body.h"
#include "src/base/json.h"
#include "src/base/text.h"
#include "src/chat/user_settings.h"
#include "storage/retention.h"

namespace bobbin::api {
namespace {

constexpr size_t kModelNameBytesMax = 128;
constexpr size_t kLanguageBytesMax = 35;  // RFC 5646 §4.4.1

// As JSON; empty where an empty text takes the setting back.
using Check = Result<std::string> (*)(const BodyField& value);

Result<std::string> text_as_json(std::string_view text) {
  std::string json;
  if (!text.empty()) json::append_string(json, text);
  return json;
}

Result<std::string> check_keep_days(const BodyField& value) {
  const auto days = value.count();
  if (!days || *days == 0 || *days > store::kKeepDaysMax)
    return fail(Code::invalid, 0, "keep_days must be null or 1 to 36500");
  return std::to_string(*days);
}

Result<std::string> check_system_prompt(const BodyField& value) {
  const auto text = value.text();
  if (!text || text->size() > chat::kUserSystemPromptBytesMax)
    return fail(Code::invalid, 0, "system_prompt must be null or a string of at most 8 KiB");
  return text_as_json(*text);
}

Result<std::string> check_model(const BodyField& value) {
  const auto text = value.text();
  if (!text || text->size() > kModelNameBytesMax || has_control_characters(*text))
    return fail(Code::invalid, 0, "model must be null or a name of at most 128 bytes");
  return text_as_json(*text);
}

Result<std::string> check_theme(const BodyField& value) {
  const auto text = value.text();
  if (!text || (text != "light" && text != "dark" && text != "system"))
    return fail(Code::invalid, 0, "theme must be null, \"light\", \"dark\" or \"system\"");
  return text_as_json(*text);
}

// Subtags of letters and digits with hyphens between them, as in `de` and `zh-Hant-TW`.
Result<std::string> check_language(const BodyField& value) {
  static constexpr char kComplaint[] = "language must be null or a language tag such as \"en\" or \"pt-BR\"";
  const auto text = value.text();
  if (!text || text->size() > kLanguageBytesMax) return fail(Code::invalid, 0, kComplaint);
  size_t subtag_bytes = 0;
  for (const char c : *text) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool is_digit = c >= '0' && c <= '9';
    if (c == '-' ? subtag_bytes == 0 : (!is_letter && !is_digit) || subtag_bytes == 8)
      return fail(Code::invalid, 0, kComplaint);
    subtag_bytes = c == '-' ? 0 : subtag_bytes + 1;
  }
  if (subtag_bytes == 0) return fail(Code::invalid, 0, kComplaint);
  return text_as_json(*text);
}

constexpr std::array<std::string_view, 5> kNames{store::kKeepDaysSetting, chat::kSystemPromptSetting,
                                                 chat::kModelSetting, "theme", "language"};
constexpr std::array<Check, kNames.size()> kChecks{check_keep_days, check_system_prompt, check_model, check_theme,
                                                   check_language};

}  // namespace

std::span<const std::string_view> setting_names() noexcept { return kNames; }

Result<std::vector<SettingChange>> parse_setting_changes(std::string_view body) {
  TRY_ASSIGN(const auto fields, parse_object(body, kNames));
  std::vector<SettingChange> changes;
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (!fields[i].is_there()) continue;
    SettingChange& change = changes.emplace_back();
    change.name = kNames[i];
    if (fields[i].is_empty()) continue;
    TRY_ASSIGN(change.json, kChecks[i](fields[i]));
  }
  return changes;
}

}  // namespace bobbin::api
