#include "src/upstream/model.h"

namespace bobbin::upstream {

Task<Result<ModelList>> Model::list_models(CancelScope&) {
  ModelList list{.ids = {}, .default_id = state().model};
  if (!list.default_id.empty()) list.ids.push_back(list.default_id);
  co_return list;
}

}  // namespace bobbin::upstream
