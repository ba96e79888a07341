// GET /chat/models: what a message may name as its model.

#include "src/api/handlers.h"
#include "src/api/model_catalog.h"
#include "src/api/services.h"

namespace bobbin::api {

Task<Result<Answer>> get_models(Services& services, Exchange&) {
  CO_TRY_ASSIGN(std::string json, co_await services.models.read());
  co_return json_response(std::move(json));
}

}  // namespace bobbin::api
