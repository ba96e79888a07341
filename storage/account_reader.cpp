#include "storage/account_reader.h"

#include <algorithm>

#include "src/base/limits.h"
#include "storage/account_commands.h"
#include "storage/account_rows.h"
#include "storage/view.h"

namespace bobbin::store {
namespace {

// No id of another size was ever stored.
bool is_id(const std::string& text) { return !text.empty() && text.size() <= limits::kUserIdBytesMax; }

}  // namespace

Result<std::optional<Account>> AccountReader::find_account(const std::string& account, Tier tier) const {
  if (!is_id(account)) return std::nullopt;
  const View view(database_, tier);
  return get_account(database_, view.options(), account);
}

Result<std::optional<Account>> AccountReader::find_account_by_email(const std::string& folded_email, Tier tier) const {
  if (folded_email.empty() || folded_email.size() > kEmailBytesMax) return std::nullopt;
  const View view(database_, tier);
  TRY_ASSIGN(const auto account, get_account_of_email(database_, view.options(), folded_email));
  if (!account) return std::nullopt;
  return get_account(database_, view.options(), *account);
}

Result<std::optional<Login>> AccountReader::find_login(const std::string& account, const Uuid& login, Tier tier) const {
  if (!is_id(account)) return std::nullopt;
  const View view(database_, tier);
  return get_login(database_, view.options(), account, login);
}

Result<std::optional<FoundApiKey>> AccountReader::find_api_key(const SecretHash& hash, Tier tier) const {
  const View view(database_, tier);
  TRY_ASSIGN(auto reference, get_key_reference(database_, view.options(), hash));
  if (!reference) return std::nullopt;
  TRY_ASSIGN(auto key, get_api_key(database_, view.options(), reference->user, reference->id));
  if (!key || key->hash != hash) return std::nullopt;
  return FoundApiKey{std::move(reference->user), std::move(*key)};
}

Result<std::optional<Invitation>> AccountReader::find_invitation(const SecretHash& hash, Tier tier) const {
  const View view(database_, tier);
  return get_invitation(database_, view.options(), hash);
}

Result<std::vector<Account>> AccountReader::list_accounts(const std::string& after, size_t limit, Tier tier) const {
  if (!after.empty() && !is_id(after)) return fail(Code::malformed, 0, "no account has such an id");
  const View view(database_, tier);
  TRY(view.allow_scan());
  return scan_accounts(database_, view.options(), after, limit);
}

Result<std::vector<Login>> AccountReader::list_logins(const std::string& account, Tier tier) const {
  if (!is_id(account)) return std::vector<Login>();
  const View view(database_, tier);
  TRY(view.allow_scan());
  return scan_logins(database_, view.options(), account);
}

Result<std::vector<ApiKey>> AccountReader::list_api_keys(const std::string& user, Tier tier) const {
  if (!is_id(user)) return std::vector<ApiKey>();
  const View view(database_, tier);
  TRY(view.allow_scan());
  return scan_api_keys(database_, view.options(), user);
}

Result<std::vector<Invitation>> AccountReader::list_invitations(Tier tier) const {
  const View view(database_, tier);
  TRY(view.allow_scan());
  TRY_ASSIGN(std::vector<OpenInvitation> open, scan_invitations(database_, view.options()));
  std::vector<Invitation> invitations;
  invitations.reserve(open.size());
  for (OpenInvitation& each : open) invitations.push_back(std::move(each.invitation));
  return invitations;
}

Result<bool> AccountReader::has_admin(Tier tier) const {
  const View view(database_, tier);
  TRY(view.allow_scan());
  return has_acting_admin(database_, view.options(), {});
}

}  // namespace bobbin::store
