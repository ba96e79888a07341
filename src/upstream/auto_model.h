#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "src/net/http_client.h"
#include "src/upstream/local_probe.h"
#include "src/upstream/model.h"
#include "src/upstream/offline_model.h"
#include "src/upstream/openai_model.h"
#include "src/upstream/upstream_url.h"

namespace bobbin::upstream {

// A model server that the search has found.
struct FoundServer {
  std::string name;
  Endpoints endpoints;
  std::string model;
  std::shared_ptr<std::atomic<ServerHealth>> health = std::make_shared<std::atomic<ServerHealth>>();
};

// Where one worker's search leaves its find for all workers. Thread-safe.
class FoundServerBoard {
 public:
  // Only the first find counts: the process stays with it until it ends.
  void publish(FoundServer found);
  [[nodiscard]] std::optional<FoundServer> read() const;

 private:
  mutable std::mutex mutex_;
  std::optional<FoundServer> found_;
};

struct AutoModelOptions {
  std::span<const LocalServer> servers = usual_local_servers();
  uint64_t search_interval_ms = 30'000;
};

// `--upstream auto`: the built-in answer until a model server is found on this machine, then that server.
class AutoModel final : public Model {
 public:
  // All must outlive the model; `client` is of `loop`, `board` is shared by the models of all workers.
  AutoModel(Loop& loop, net::HttpClient& client, FoundServerBoard& board, AutoModelOptions options = {});

  // Asks all servers in turn for a usable one, and publishes the first. True when the search is over: found, or `scope`
  // asked. No credentials are sent. To be run by one worker of the process.
  Task<bool> search_once(CancelScope& scope);
  // The same again after each interval, until it is over.
  Task<void> search_on(CancelScope& scope);

  Task<Result<Answer>> stream(Prompt prompt, DeltaSink& sink, CancelScope& scope) override;
  Task<Result<ModelList>> list_models(CancelScope& scope) override;
  [[nodiscard]] ModelState state() const override;

 private:
  Task<std::optional<FoundServer>> probe(LocalServer server, CancelScope& scope);
  // The found server's model, made when first needed; null while nothing is found.
  OpenaiModel* connected();

  Loop& loop_;
  net::HttpClient& client_;
  FoundServerBoard& board_;
  const AutoModelOptions options_;
  OfflineModel offline_;
  std::unique_ptr<OpenaiModel> connected_;
};

}  // namespace bobbin::upstream
