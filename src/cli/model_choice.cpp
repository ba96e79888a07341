#include "src/cli/model_choice.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "src/upstream/offline_model.h"

namespace bobbin::cli {
namespace {

constexpr size_t kKeyFileBytesMax = 8 * 1024;

Result<std::string> read_small_file(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return fail(Code::io, errno, "cannot open the file");
  std::string text(kKeyFileBytesMax + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  if (failed) return fail(Code::io, EIO, "cannot read the file");
  if (text.size() > kKeyFileBytesMax) return fail(Code::invalid, 0, "the key file is too large to hold a key");
  return text;
}

// The lower-case name is the older convention, and wins as it does in curl.
std::string environment(const char* lower, const char* upper) {
  // NOLINTBEGIN(concurrency-mt-unsafe): before there are threads
  if (const char* value = std::getenv(lower); value != nullptr && *value != '\0') return value;
  const char* value = upper != nullptr ? std::getenv(upper) : nullptr;
  // NOLINTEND(concurrency-mt-unsafe)
  return value != nullptr ? value : "";
}

}  // namespace

Result<ModelChoice> choose_model(const ServeOptions& options) {
  ModelChoice choice;
  if (options.upstream == "offline") return choice;
  if (options.upstream == "auto") {
    choice.kind = ModelChoice::Kind::automatic;
    return choice;
  }
  choice.kind = ModelChoice::Kind::server;
  choice.server.model = options.model;
  choice.server.use_first_listed = true;
  choice.server.health = std::make_shared<std::atomic<upstream::ServerHealth>>();
  choice.server.connect_timeout_ms = options.upstream_connect_timeout_ms;
  choice.server.first_byte_timeout_ms = options.upstream_first_byte_timeout_ms;
  choice.server.idle_timeout_ms = options.upstream_idle_timeout_ms;
  TRY_ASSIGN(choice.server.endpoints, upstream::parse_upstream_url(options.upstream));
  std::string key = options.upstream_key;
  if (!options.upstream_key_file.empty()) {
    TRY_ASSIGN(key, read_small_file(options.upstream_key_file));
  }
  if (!key.empty()) {
    TRY_ASSIGN(choice.server.api_key, upstream::clean_api_key(key));
  }
  return choice;
}

Result<net::HttpClientOptions> make_client_options(const ServeOptions& options) {
  net::HttpClientOptions client;
  TRY_ASSIGN(client.tls, net::TlsContext::make_client(options.upstream_ca));
  // HTTP_PROXY in capitals is not read: a CGI request can set it.
  TRY_ASSIGN(client.proxies, net::ProxyRules::parse({.https_proxy = environment("https_proxy", "HTTPS_PROXY"),
                                                     .http_proxy = environment("http_proxy", nullptr),
                                                     .no_proxy = environment("no_proxy", "NO_PROXY")}));
  return client;
}

WorkerModel make_model(const ModelChoice& choice, Loop& loop, net::HttpClient& client,
                       upstream::FoundServerBoard& board) {
  WorkerModel made;
  switch (choice.kind) {
    case ModelChoice::Kind::offline: made.model = std::make_unique<upstream::OfflineModel>(loop); break;
    case ModelChoice::Kind::server:
      made.model = std::make_unique<upstream::OpenaiModel>(loop, client, choice.server);
      break;
    case ModelChoice::Kind::automatic: {
      auto automatic = std::make_unique<upstream::AutoModel>(loop, client, board);
      made.automatic = automatic.get();
      made.model = std::move(automatic);
      break;
    }
  }
  return made;
}

}  // namespace bobbin::cli
