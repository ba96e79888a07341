#pragma once

#include <string>
#include <vector>

#include "src/loop/cancel.h"
#include "src/loop/completion.h"
#include "src/loop/loop.h"
#include "src/upstream/model.h"

namespace bobbin::api {

// The models that can be asked, as one worker last heard of them. On the worker's loop.
class ModelCatalog {
 public:
  // Both outlive it.
  ModelCatalog(Loop& loop, upstream::Model& model) : loop_(loop), model_(model) {}
  ModelCatalog(const ModelCatalog&) = delete;
  ModelCatalog& operator=(const ModelCatalog&) = delete;
  ~ModelCatalog() = default;

  // The answer of GET /chat/models. A good one is kept for a minute; whoever asks while the model's server is being
  // asked waits for that answer, and shares it also when it is a failure. Errors: as Model::list_models.
  Task<Result<std::string>> read();

 private:
  Loop& loop_;
  upstream::Model& model_;
  CancelScope scope_;
  Result<std::string> answer_;
  uint64_t good_until_ms_ = 0;
  bool asking_ = false;
  std::vector<Completion*> waiting_;  // in the frames of those who wait
};

}  // namespace bobbin::api
