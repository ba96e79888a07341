#pragma once

#include <memory>
#include <optional>

#include "src/cli/options.h"
#include "src/net/http_client.h"
#include "src/upstream/auto_model.h"

// Which model answers, as the options say it.
namespace bobbin::cli {

struct ModelChoice {
  enum class Kind : uint8_t { offline, server, automatic };
  Kind kind = Kind::offline;
  upstream::OpenaiModelOptions server;  // for Kind::server
};

// Errors: invalid (the URL or the key), io (the key file).
Result<ModelChoice> choose_model(const ServeOptions& options);

// TLS and proxies for the outbound side; proxies are those of the environment, as everywhere.
// Errors: io (--upstream-ca), invalid (a proxy's URL).
Result<net::HttpClientOptions> make_client_options(const ServeOptions& options);

// One worker's model.
struct WorkerModel {
  std::unique_ptr<upstream::Model> model;
  upstream::AutoModel* automatic = nullptr;  // the same, where one worker has to search
};
WorkerModel make_model(const ModelChoice& choice, Loop& loop, net::HttpClient& client,
                       upstream::FoundServerBoard& board);

}  // namespace bobbin::cli
