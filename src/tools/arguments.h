#pragma once

#include <optional>
#include <string>

#include "src/tools/json_value.h"

namespace bobbin::tools {

// The first way in which `arguments` (an object) does not fit `schema`, as a sentence for the model; nullopt when none
// is found. Looked at are, for each property by itself: `required`, `type` and `enum`. What else a schema says is for
// whoever gets the arguments to judge.
[[nodiscard]] std::optional<std::string> find_argument_fault(const JsonValue& schema, const JsonValue& arguments);

// A value as it stands in a URL before encoding: text as it is, numbers and booleans as in JSON, the members of an
// array joined by commas, an object as JSON. nullopt for null and for an absent value.
[[nodiscard]] std::optional<std::string> argument_text(const JsonValue& value);

}  // namespace bobbin::tools
