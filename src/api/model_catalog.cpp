#include "src/api/model_catalog.h"

#include <utility>

#include "src/base/json.h"

namespace bobbin::api {
namespace {

constexpr uint64_t kKeptMs = 60'000;

std::string models_json(const upstream::ModelList& list) {
  std::string out;
  json::Object object(out);
  object.key("models").push_back('[');
  for (const std::string& id : list.ids) {
    if (&id != list.ids.data()) out.push_back(',');
    json::Object model(out);
    model.field("id", id);
    if (id == list.default_id) model.boolean("default", true);
    model.close();
  }
  out.push_back(']');
  if (list.default_id.empty()) {
    object.null("default");
  } else {
    object.field("default", list.default_id);
  }
  object.close();
  return out;
}

}  // namespace

Task<Result<std::string>> ModelCatalog::read() {
  if (loop_.now_ms() < good_until_ms_) co_return answer_;
  if (asking_) {
    Completion asked;
    waiting_.push_back(&asked);
    co_await asked;
    co_return answer_;
  }
  asking_ = true;
  const Result<upstream::ModelList> list = co_await model_.list_models(scope_);
  asking_ = false;
  answer_ = list ? Result<std::string>(models_json(*list)) : fail(list.error());
  good_until_ms_ = list ? loop_.now_ms() + kKeptMs : 0;
  for (Completion* asked : std::exchange(waiting_, {})) asked->complete();
  co_return answer_;
}

}  // namespace bobbin::api
