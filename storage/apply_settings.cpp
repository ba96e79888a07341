#include <algorithm>

#include "src/base/limits.h"
#include "storage/account_rows.h"
#include "storage/apply.h"
#include "storage/keys.h"
#include "storage/rocksdb_options.h"

namespace bobbin::store {

Result<Reply> Applier::apply(ChangeSetting& command) {
  if (command.user.empty() || command.user.size() > limits::kUserIdBytesMax)
    return fail(Code::invalid, 0, "user id has 1 to 128 bytes");
  const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  if (command.name.empty() || command.name.size() > kSettingNameBytesMax ||
      !std::all_of(command.name.begin(), command.name.end(), is_plain)) {
    return fail(Code::invalid, 0, "a setting's name has 1 to 64 small letters, digits and underscores");
  }
  if (command.json.size() > kSettingBytesMax) return fail(Code::too_large, 0, "a setting has at most 64 KiB");

  // Of an account that is gone nothing is kept, whatever was on its way.
  if (command.user.starts_with(kAccountIdPrefix)) {
    TRY_ASSIGN(const auto owner, get_account(database_, read_options(), command.user));
    if (!owner) return fail(Code::not_found, 0, "no such account");
  }
  Change change(batch_, ChangeOperation::setting_changed, command.user, {}, wall_clock_());
  std::string key;
  append_setting_key(key, command.user, command.name);
  if (command.json.empty()) {
    change.remove(Family::settings, std::move(key));
  } else {
    std::string value;
    append_setting_record(value, command.json);
    change.put(Family::settings, std::move(key), value);
  }
  change.seal(0, Uuid{});
  return Done{};
}

}  // namespace bobbin::store
