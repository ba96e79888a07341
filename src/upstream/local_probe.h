#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

// Looking for a model server on this machine: which ports to ask, and what to make of an answer.
namespace bobbin::upstream {

struct LocalServer {
  const char* name;
  uint16_t port;
};

// The usual ones in the order in which they are taken: Ollama, LM Studio, llama.cpp, vLLM.
[[nodiscard]] std::span<const LocalServer> usual_local_servers() noexcept;

enum class ProbeVerdict : uint8_t {
  usable,
  not_a_model_server,  // something else listens there
  another_bobbin,      // two that answer each other would never end
  no_model,            // a model server without a model that can chat
};

struct Judgement {
  ProbeVerdict verdict;
  std::string model;  // usable: the model to ask, 256 bytes at most
};

// Judges the answer to `GET /v1/models`. `server` is the response header of that name, empty when absent. The model is
// the first of the list whose id does not look like one for embeddings or ranking. Any bytes are fine.
[[nodiscard]] Judgement judge_models_answer(int32_t status, std::string_view server, std::string_view body);

}  // namespace bobbin::upstream
