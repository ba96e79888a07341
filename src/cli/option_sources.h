#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Where the value of an option comes from: a flag beats the environment, which beats the config file.
namespace bobbin::cli {

// Values by option name without dashes; several where an option was repeated.
using OptionValues = std::map<std::string, std::vector<std::string>, std::less<>>;

struct OptionName {
  std::string name;  // without dashes
  bool is_list;      // may have several values, in one string separated by commas
};

// `--upstream-key-file` is BOBBIN_UPSTREAM_KEY_FILE.
std::string environment_name(std::string_view option);

// The options that the environment sets. An empty variable is as if unset: service files leave such behind.
OptionValues read_environment(const std::vector<OptionName>& names);

// `name = value` a line; the value is the rest of the line without white space at its ends, or what stands between
// double quotes. Empty lines and those that begin with `#` are skipped. On a mistake `complaint` says what and where,
// and the result is nullopt.
std::optional<OptionValues> parse_config(std::string_view text, const std::vector<OptionName>& names,
                                         std::string& complaint);

// The arguments that stand for all sources together: `flags` as they are, and before them what the other sources say of
// options that no source above them has set. Options of one group of `groups` (a secret, and the file it may be in) are
// one setting with two names.
std::vector<std::string> merge_sources(const std::vector<std::string>& flags, const OptionValues& environment,
                                       const OptionValues& config, const std::vector<std::vector<std::string>>& groups);

}  // namespace bobbin::cli
