#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "src/base/limits.h"
#include "src/net/http_client.h"
#include "src/upstream/model.h"
#include "src/upstream/upstream_url.h"

namespace bobbin::upstream {

// How the last exchange with a server went.
enum class ServerHealth : uint8_t { unknown, answers, fails };

struct OpenaiModelOptions {
  std::string name = "openai";  // for people: `openai`, `Ollama`, …
  Endpoints endpoints;
  std::string model;  // asked when a prompt names none; empty: the server chooses
  // Without a model of either kind: ask for the first that the server lists. Many servers refuse a request without one.
  bool use_first_listed = false;
  std::string api_key;                                // sent as a bearer token, never logged; empty: none
  std::shared_ptr<std::atomic<ServerHealth>> health;  // one for the models of all workers; may be null
  uint32_t connect_timeout_ms = limits::kUpstreamConnectTimeoutMs;
  uint32_t first_byte_timeout_ms = limits::kUpstreamFirstByteTimeoutMs;
  uint32_t idle_timeout_ms = limits::kUpstreamIdleTimeoutMs;
};

// An API key as it stands in `--upstream-key-file` or the environment: without white space at its ends.
// Errors: invalid when it is empty or has anything but visible ASCII, which no header could carry.
Result<std::string> clean_api_key(std::string_view text);

// A model behind an OpenAI-compatible server. Redirects are refused: the key would go to an address that nobody
// configured.
class OpenaiModel final : public Model {
 public:
  // `loop` and `client` must outlive the model, `client` must be of `loop`.
  OpenaiModel(Loop& loop, net::HttpClient& client, OpenaiModelOptions options);

  Task<Result<Answer>> stream(Prompt prompt, DeltaSink& sink, CancelScope& scope) override;
  Task<Result<ModelList>> list_models(CancelScope& scope) override;
  [[nodiscard]] ModelState state() const override;

 private:
  // Not begun. In a function of its own, so that what it is made of is in no frame that waits.
  [[nodiscard]] net::HttpCall make_call(const Prompt& prompt, CancelScope& scope) const;
  // Fills listed_model_, once a server has said what it has.
  Task<void> look_up_model(CancelScope& scope);
  // The exchange itself; `excerpt` gets the server's own words when it fails with some. Nothing is left of `prompt`: it
  // may be far longer than all else that an answer in the making needs.
  Task<Result<Answer>> exchange(Prompt& prompt, DeltaSink& sink, CancelScope& scope, std::string& excerpt);

  Loop& loop_;
  net::HttpClient& client_;
  const OpenaiModelOptions options_;
  std::string listed_model_;
  bool has_looked_up_ = false;
};

}  // namespace bobbin::upstream
