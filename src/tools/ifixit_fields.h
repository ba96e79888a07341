#pragma once

#include <string>

#include "src/tools/json_value.h"

// Single fields of iFixit's answers, which may be absent, null or of another type: empty then.
namespace bobbin::tools {

// Text as one short line. A number is taken as its digits.
[[nodiscard]] std::string field_line(const JsonValue& value);

// An http or https URL, as it is; `//host/…` and `/path` are completed.
[[nodiscard]] std::string web_url(const JsonValue& value);

// Seconds as words: "45 minutes", "2 hours".
[[nodiscard]] std::string duration_words(const JsonValue& seconds);

}  // namespace bobbin::tools
