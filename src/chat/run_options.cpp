#include "src/chat/run_options.h"

#include <simdjson.h>

#include "src/base/json.h"

namespace bobbin::chat {

std::string encode_run_options(const RunOptions& options) {
  std::string out;
  if (options.model.empty()) return out;
  json::Object object(out);
  object.field("model", options.model).close();
  return out;
}

RunOptions decode_run_options(std::string_view json) {
  RunOptions options;
  if (json.empty()) return options;
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  if (parser.parse(simdjson::padded_string(json)).get(document) != simdjson::SUCCESS) return options;
  std::string_view model;
  if (document["model"].get(model) == simdjson::SUCCESS) options.model = model;
  return options;
}

}  // namespace bobbin::chat
