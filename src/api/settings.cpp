// /me/settings: what a user has chosen, for all devices.

#include "src/api/handlers.h"
#include "src/api/services.h"
#include "src/api/user_setting.h"
#include "src/base/json.h"
#include "src/store/store_op.h"

namespace bobbin::api {

Task<Result<Answer>> get_settings(Services& services, Exchange& exchange) {
  store::StoreRead read(services.pool, services.loop, [&](store::Tier tier) -> Result<std::string> {
    std::string out;
    json::Object object(out);
    for (const std::string_view name : setting_names()) {
      TRY_ASSIGN(const auto json, services.store.read_setting(exchange.identity.user, name, tier));
      object.key(name).append(json.value_or("null"));
    }
    object.close();
    return out;
  });
  CO_TRY_ASSIGN(std::string settings, co_await read.run());
  co_return json_response(std::move(settings));
}

Task<Result<Answer>> patch_settings(Services& services, Exchange& exchange) {
  CO_TRY_ASSIGN(std::vector<SettingChange> changes, parse_setting_changes(exchange.request.body));
  for (SettingChange& change : changes) {
    store::StoreOp op(services.store, services.loop,
                      store::ChangeSetting{exchange.identity.user, std::move(change.name), std::move(change.json)});
    CO_TRY(co_await op.run());
  }
  co_return co_await get_settings(services, exchange);
}

}  // namespace bobbin::api
