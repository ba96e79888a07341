// /me/settings: what a user has chosen, for all devices.

#include "src/api/chat_request.h"
#include "src/api/handlers.h"
#include "src/api/services.h"
#include "src/base/json.h"
#include "src/store/store_op.h"
#include "storage/retention.h"

namespace bobbin::api {

Task<Result<Answer>> get_settings(Services& services, Exchange& exchange) {
  store::StoreRead read(services.pool, services.loop, [&](store::Tier tier) {
    return services.store.read_setting(exchange.identity.user, store::kKeepDaysSetting, tier);
  });
  CO_TRY_ASSIGN(const std::optional<std::string> keep_days, co_await read.run());
  std::string out;
  json::Object object(out);
  object.key("keep_days").append(keep_days.value_or("null"));
  object.close();
  co_return json_response(std::move(out));
}

Task<Result<Answer>> patch_settings(Services& services, Exchange& exchange) {
  CO_TRY_ASSIGN(SettingsChange change, parse_settings_change(exchange.request.body));
  if (change.keep_days) {
    store::StoreOp op(services.store, services.loop,
                      store::ChangeSetting{exchange.identity.user, std::string(store::kKeepDaysSetting),
                                           std::move(*change.keep_days)});
    CO_TRY(co_await op.run());
  }
  co_return co_await get_settings(services, exchange);
}

}  // namespace bobbin::api
