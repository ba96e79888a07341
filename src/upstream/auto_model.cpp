#include "src/upstream/auto_model.h"

#include "src/base/log.h"
#include "src/loop/sleep.h"
#include "src/upstream/models_query.h"

namespace bobbin::upstream {

void FoundServerBoard::publish(FoundServer found) {
  const std::scoped_lock lock(mutex_);
  if (!found_) found_ = std::move(found);
}

std::optional<FoundServer> FoundServerBoard::read() const {
  const std::scoped_lock lock(mutex_);
  return found_;
}

AutoModel::AutoModel(Loop& loop, net::HttpClient& client, FoundServerBoard& board, AutoModelOptions options)
    : loop_(loop), client_(client), board_(board), options_(options), offline_(loop) {}

Task<std::optional<FoundServer>> AutoModel::probe(LocalServer server, CancelScope& scope) {
  Result<Endpoints> endpoints = parse_upstream_url("http://127.0.0.1:" + std::to_string(server.port));
  if (!endpoints) co_return std::nullopt;
  std::optional<Judgement> judgement = co_await query_models(loop_, client_, endpoints->models, {}, scope);
  if (!judgement || judgement->verdict != ProbeVerdict::usable) co_return std::nullopt;
  co_return FoundServer{.name = server.name, .endpoints = std::move(*endpoints), .model = std::move(judgement->model)};
}

Task<bool> AutoModel::search_once(CancelScope& scope) {
  for (const LocalServer& server : options_.servers) {
    std::optional<FoundServer> found = co_await probe(server, scope);
    if (scope.is_requested()) co_return true;
    if (!found) continue;
    log::info("model server found", {{"name", found->name}, {"url", found->endpoints.base}, {"model", found->model}});
    board_.publish(std::move(*found));
    co_return true;
  }
  co_return false;
}

Task<void> AutoModel::search_on(CancelScope& scope) {
  log::info("no model server on this machine yet: the built-in model answers",
            {{"looking_again_ms", options_.search_interval_ms}});
  for (;;) {
    SleepOp pause(loop_, scope, options_.search_interval_ms);
    if (!co_await pause.run()) co_return;
    if (co_await search_once(scope)) co_return;
  }
}

OpenaiModel* AutoModel::connected() {
  if (connected_) return connected_.get();
  std::optional<FoundServer> found = board_.read();
  if (!found) return nullptr;
  OpenaiModelOptions options;
  options.name = std::move(found->name);
  options.endpoints = std::move(found->endpoints);
  options.model = std::move(found->model);
  options.health = std::move(found->health);
  connected_ = std::make_unique<OpenaiModel>(loop_, client_, std::move(options));
  return connected_.get();
}

Task<Result<Answer>> AutoModel::stream(Prompt prompt, DeltaSink& sink, CancelScope& scope) {
  if (OpenaiModel* const model = connected()) return model->stream(std::move(prompt), sink, scope);
  return offline_.stream(std::move(prompt), sink, scope);
}

Task<Result<ModelList>> AutoModel::list_models(CancelScope& scope) {
  if (OpenaiModel* const model = connected()) return model->list_models(scope);
  return offline_.list_models(scope);
}

ModelState AutoModel::state() const {
  if (connected_) return connected_->state();
  if (const std::optional<FoundServer> found = board_.read()) {
    return {.language_model = true,
            .failing = found->health->load() == ServerHealth::fails,
            .name = found->name,
            .url = found->endpoints.base,
            .model = found->model,
            .detail = "found on this machine"};
  }
  ModelState state = offline_.state();
  state.detail = "looking for a model server on this machine; the built-in model answers until then";
  return state;
}

}  // namespace bobbin::upstream
