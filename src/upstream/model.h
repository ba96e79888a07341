#pragma once

#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/loop/cancel.h"
#include "src/loop/task.h"
#include "src/upstream/answer.h"
#include "src/upstream/prompt.h"

namespace bobbin::upstream {

// What `/health` says about a model.
struct ModelState {
  // Whether answers come from a language model; the built-in one is none.
  bool language_model = false;
  bool failing = false;  // its last request failed
  std::string name;      // one word: `offline`, `openai`, or the local server's name such as `Ollama`
  std::string url;       // without credentials; empty for the built-in one
  std::string model;     // the default model; empty when the server chooses
  std::string detail;    // one sentence for people
};

// What a prompt may name as its model.
struct ModelList {
  std::vector<std::string> ids;  // in the server's order, kModelsMax at most
  std::string default_id;        // asked when a prompt names none, listed or not; empty when the server chooses
};
inline constexpr size_t kModelsMax = 1000;

// Something that answers prompts. One for each worker; all calls on its loop.
class Model {
 public:
  Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;
  virtual ~Model() = default;

  // Asks `prompt` and hands the answer to `sink` as it comes, in order. `sink` and `scope` must live until the task has
  // ended, which may be a while after `scope` was asked to cancel, but nothing more goes to `sink` then. Several calls
  // may be in flight at once. What went to `sink` before an error stays good: it is the beginning of an answer.
  //
  // Errors: upstream_unavailable (no connection, the answer was cut, status 429 or 5xx), upstream_rejected (any other
  // bad status, or an answer that makes no sense), upstream_timeout, cancelled. `number` is the HTTP status where
  // there was one (100 or more); the server's own words are only logged.
  virtual Task<Result<Answer>> stream(Prompt prompt, DeltaSink& sink, CancelScope& scope) = 0;

  // The models that can be asked. By default the model of state() alone. Errors: as stream(); ends within seconds.
  virtual Task<Result<ModelList>> list_models(CancelScope& scope);

  [[nodiscard]] virtual ModelState state() const = 0;
};

}  // namespace bobbin::upstream
