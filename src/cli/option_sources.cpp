#include "src/cli/option_sources.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace bobbin::cli {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kWhiteSpace = " \t\r";
  const size_t from = text.find_first_not_of(kWhiteSpace);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kWhiteSpace) - from + 1);
}

std::vector<std::string> split_values(std::string_view text, bool is_list) {
  std::vector<std::string> values;
  while (is_list && text.find(',') != std::string_view::npos) {
    values.emplace_back(trim(text.substr(0, text.find(','))));
    text.remove_prefix(text.find(',') + 1);
  }
  values.emplace_back(is_list ? trim(text) : text);
  return values;
}

// Whether one of `flags` is `--name` or `--name=…`.
bool has_flag(const std::vector<std::string>& flags, std::string_view name) {
  return std::any_of(flags.begin(), flags.end(), [&](std::string_view flag) {
    if (!flag.starts_with("--")) return false;
    flag.remove_prefix(2);
    return flag.starts_with(name) && (flag.size() == name.size() || flag[name.size()] == '=');
  });
}

// `name` and the other names of its setting.
std::vector<std::string> names_of_setting(const std::string& name,
                                          const std::vector<std::vector<std::string>>& groups) {
  for (const std::vector<std::string>& group : groups) {
    if (std::find(group.begin(), group.end(), name) != group.end()) return group;
  }
  return {name};
}

}  // namespace

std::string environment_name(std::string_view option) {
  std::string name = "BOBBIN_" + std::string(option);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
  return name;
}

OptionValues read_environment(const std::vector<OptionName>& names) {
  OptionValues values;
  for (const OptionName& option : names) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before there are threads
    const char* value = std::getenv(environment_name(option.name).c_str());
    if (value != nullptr && *value != '\0') values[option.name] = split_values(value, option.is_list);
  }
  return values;
}

std::optional<OptionValues> parse_config(std::string_view text, const std::vector<OptionName>& names,
                                         std::string& complaint) {
  OptionValues values;
  for (size_t line_number = 1; !text.empty(); ++line_number) {
    const size_t end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.starts_with('#')) continue;
    const size_t equals = line.find('=');
    const std::string name(trim(line.substr(0, equals)));
    const auto option =
        std::find_if(names.begin(), names.end(), [&](const OptionName& known) { return known.name == name; });
    if (equals == std::string_view::npos || option == names.end()) {
      complaint = "line " + std::to_string(line_number) + ": " +
                  (equals == std::string_view::npos ? "expected name = value" : "no option is named '" + name + "'");
      return std::nullopt;
    }
    std::string_view value = trim(line.substr(equals + 1));
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) value = value.substr(1, value.size() - 2);
    for (std::string& one : split_values(value, option->is_list)) values[name].push_back(std::move(one));
    if (!option->is_list && values[name].size() > 1) {
      complaint = "line " + std::to_string(line_number) + ": '" + name + "' stands here twice";
      return std::nullopt;
    }
  }
  return values;
}

std::vector<std::string> merge_sources(const std::vector<std::string>& flags, const OptionValues& environment,
                                       const OptionValues& config,
                                       const std::vector<std::vector<std::string>>& groups) {
  std::vector<std::string> merged;
  const auto take = [&](const OptionValues& source, const OptionValues* above) {
    for (const auto& [name, values] : source) {
      const std::vector<std::string> setting = names_of_setting(name, groups);
      const bool is_set_above = std::any_of(setting.begin(), setting.end(), [&](const std::string& one) {
        return has_flag(flags, one) || (above != nullptr && above->contains(one));
      });
      if (is_set_above) continue;
      for (const std::string& value : values)
        merged.push_back(std::string("--").append(name).append("=").append(value));
    }
  };
  take(config, &environment);
  take(environment, nullptr);
  merged.insert(merged.end(), flags.begin(), flags.end());
  return merged;
}

}  // namespace bobbin::cli
