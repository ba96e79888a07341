#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"

// The settings that a user can have (docs/accounts.md, "Settings").
namespace bobbin::api {

// In the order in which GET /me/settings shows them.
std::span<const std::string_view> setting_names() noexcept;

struct SettingChange {
  std::string name;
  std::string json;  // empty: it is taken back
};

// The body of PATCH /me/settings: what it names, each checked. null takes a setting back; so does what says the same.
// Errors: malformed, invalid.
Result<std::vector<SettingChange>> parse_setting_changes(std::string_view body);

}  // namespace bobbin::api
