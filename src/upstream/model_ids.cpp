#include "src/upstream/model_ids.h"

#include <simdjson.h>

#include <set>

#include "src/base/text.h"
#include "src/upstream/model.h"
#include "src/upstream/upstream_error.h"

namespace bobbin::upstream {
namespace {

namespace dom = simdjson::dom;

constexpr size_t kModelIdBytesMax = 256;

}  // namespace

bool is_model_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= kModelIdBytesMax && is_utf8(id) && !has_control_characters(id);
}

Result<std::vector<std::string>> parse_model_ids(int32_t status, std::string_view body) {
  if (status != 200) return fail(error_of_status(status));
  const Error nonsense(Code::upstream_rejected, status, "the model's server gave no list of models");
  dom::parser parser;
  dom::object document;
  if (parser.parse(simdjson::padded_string(body)).get(document) != simdjson::SUCCESS) return fail(nonsense);
  dom::element data;
  if (document["data"].get(data) != simdjson::SUCCESS) return fail(nonsense);
  std::vector<std::string> ids;
  if (data.is_null()) return ids;  // Ollama without a model
  dom::array entries;
  if (data.get(entries) != simdjson::SUCCESS) return fail(nonsense);
  std::set<std::string_view> seen;
  for (const dom::element entry : entries) {
    std::string_view id;
    if (entry["id"].get(id) != simdjson::SUCCESS || !is_model_id(id) || !seen.insert(id).second) continue;
    ids.emplace_back(id);
    if (ids.size() == kModelsMax) break;
  }
  return ids;
}

}  // namespace bobbin::upstream
