// Accounts and invitations. Each of these commands sees the store without any other of them in the batch
// (Applier::must_commit_before): what it reads is on disk.
#include <algorithm>

#include "src/base/limits.h"
#include "storage/account_rows.h"
#include "storage/apply.h"
#include "storage/keys.h"
#include "storage/rocksdb_options.h"
#include "storage/scan.h"

namespace bobbin::store {
namespace {

Result<void> check_account_id(const std::string& account) {
  if (account.empty() || account.size() > limits::kUserIdBytesMax)
    return fail(Code::invalid, 0, "an account id has 1 to 128 bytes");
  return {};
}

Result<Account> find_account(const Database& database, const std::string& id) {
  TRY(check_account_id(id));
  TRY_ASSIGN(std::optional<Account> account, get_account(database, read_options(), id));
  if (!account) return fail(Code::not_found, 0, "no such account");
  return std::move(*account);
}

Result<void> check_epoch(const Account& account, const std::optional<int64_t>& epoch) {
  if (epoch && *epoch != account.tokens_valid_from_us)
    return fail(Code::unauthorized, 0, "this account has changed meanwhile: sign in again");
  return {};
}

void put_account(Batch& batch, const Account& account) {
  std::string key;
  append_user_prefix(key, account.id);
  std::string value;
  append_account_record(value, account);
  batch.put(Family::accounts, key, value);
}

std::string email_key_of(const Account& account) {
  std::string key;
  append_email_key(key, account.email);
  return key;
}

void put_login(Batch& batch, const std::string& account, const Login& login) {
  std::string key;
  append_login_key(key, account, login.id);
  std::string value;
  append_login_record(value, login);
  batch.put(Family::accounts, key, value);
}

void remove_login(Batch& batch, const std::string& account, const Uuid& login) {
  std::string key;
  append_login_key(key, account, login);
  batch.remove(Family::accounts, key);
}

}  // namespace

Result<Reply> Applier::apply(CreateAccount& command) {
  Account& account = command.account;
  TRY(check_account_id(account.id));
  if (account.email.empty() || account.email.size() > kEmailBytesMax)
    return fail(Code::invalid, 0, "an e-mail address has 1 to 128 bytes");
  if (account.password_hash.empty() || account.password_hash.size() > kPasswordHashBytesMax)
    return fail(Code::invalid, 0, "a password hash has 1 to 256 bytes");
  if (command.only_first_admin) {
    TRY_ASSIGN(const bool is_set_up, has_acting_admin(database_, read_options(), {}));
    if (is_set_up) return fail(Code::forbidden, 0, "this server has an admin already");
  }
  std::string invitation_key;
  if (command.invitation) {
    TRY_ASSIGN(const auto invitation, get_invitation(database_, read_options(), *command.invitation));
    if (!invitation || invitation->expires_us <= wall_clock_())
      return fail(Code::forbidden, 0, "this invitation is unknown, used up or too old");
    if (invitation->created_by.starts_with(kAccountIdPrefix)) {
      TRY_ASSIGN(const auto inviter, get_account(database_, read_options(), invitation->created_by));
      if (!inviter || !is_acting_admin(*inviter))
        return fail(Code::forbidden, 0, "this invitation is of somebody who is no admin any more");
    }
    account.role = invitation->role;
    append_invitation_key(invitation_key, hash_bytes(*command.invitation));
  }
  TRY_ASSIGN(const auto holder, get_account_of_email(database_, read_options(), account.email));
  TRY_ASSIGN(const auto same_id, get_account(database_, read_options(), account.id));
  if (holder || same_id) return fail(Code::busy, 0, "this e-mail address has an account already");

  put_account(batch_, account);
  const std::string key = email_key_of(account);
  std::string value;
  append_account_reference(value, account.id);
  batch_.put(Family::accounts, key, value);
  if (!invitation_key.empty()) batch_.remove(Family::accounts, invitation_key);
  return AccountDone{account};
}

Result<Reply> Applier::apply(ChangeAccount& command) {
  TRY_ASSIGN(Account account, find_account(database_, command.account));
  TRY(check_epoch(account, command.epoch));
  const bool was_admin = is_acting_admin(account);
  if (command.password_hash) {
    if (command.password_hash->empty() || command.password_hash->size() > kPasswordHashBytesMax)
      return fail(Code::invalid, 0, "a password hash has 1 to 256 bytes");
    account.password_hash = std::move(*command.password_hash);
  }
  account.role = command.role.value_or(account.role);
  account.state = command.state.value_or(account.state);
  if (was_admin && !is_acting_admin(account)) {
    TRY_ASSIGN(const bool others, has_acting_admin(database_, read_options(), account.id));
    if (!others) return fail(Code::busy, 0, "this is the last admin: make another one first");
  }
  if (command.end_logins) {
    TRY_ASSIGN(const std::vector<Login> logins, scan_logins(database_, read_options(), account.id));
    for (const Login& login : logins) remove_login(batch_, account.id, login.id);
    account.tokens_valid_from_us = std::max(wall_clock_(), account.tokens_valid_from_us + 1);
  }
  put_account(batch_, account);
  return AccountDone{std::move(account)};
}

Result<Reply> Applier::apply(DeleteAccount& command) {
  TRY_ASSIGN(const Account account, find_account(database_, command.account));
  if (is_acting_admin(account)) {
    TRY_ASSIGN(const bool others, has_acting_admin(database_, read_options(), account.id));
    if (!others) return fail(Code::busy, 0, "this is the last admin: make another one first");
  }
  std::string prefix;
  append_user_prefix(prefix, account.id);
  std::vector<std::string> settings;
  Scan scan(database_, Family::settings, Scan::Within::one_owner, read_options(), prefix, prefix_end(prefix));
  for (; scan.valid(); scan.next()) settings.emplace_back(scan.key());
  TRY(scan.status());
  TRY_ASSIGN(const std::vector<Login> logins, scan_logins(database_, read_options(), account.id));
  TRY_ASSIGN(const std::vector<ApiKey> keys, scan_api_keys(database_, read_options(), account.id));

  batch_.remove(Family::accounts, prefix);
  batch_.remove(Family::accounts, email_key_of(account));
  for (const Login& login : logins) remove_login(batch_, account.id, login.id);
  for (const ApiKey& key : keys) remove_api_key(batch_, account.id, key);
  if (!settings.empty()) {
    Change change(batch_, ChangeOperation::setting_changed, account.id, {}, wall_clock_());
    for (std::string& key : settings) change.remove(Family::settings, std::move(key));
    change.seal(0, Uuid{});
  }
  return AccountDone{};
}

Result<Reply> Applier::apply(StartLogin& command) {
  TRY_ASSIGN(Account account, find_account(database_, command.account));
  if (account.state == AccountState::blocked) return fail(Code::forbidden, 0, "this account is blocked");
  TRY(check_epoch(account, command.epoch));
  TRY_ASSIGN(std::vector<Login> logins, scan_logins(database_, read_options(), account.id));
  const int64_t now_us = wall_clock_();
  std::erase_if(logins, [&](const Login& login) {
    const bool is_over = login.expires_us <= now_us;
    if (is_over) remove_login(batch_, account.id, login.id);
    return is_over;
  });
  std::optional<Uuid> ended;
  if (logins.size() >= kLoginsMax) {
    const auto oldest = std::min_element(logins.begin(), logins.end(),
                                         [](const Login& a, const Login& b) { return a.rotated_us < b.rotated_us; });
    ended = oldest->id;
    remove_login(batch_, account.id, oldest->id);
  }
  put_login(batch_, account.id, command.login);
  return AccountDone{std::move(account), ended};
}

Result<Reply> Applier::apply(RefreshLogin& command) {
  TRY_ASSIGN(const Account account, find_account(database_, command.account));
  TRY_ASSIGN(std::optional<Login> login, get_login(database_, read_options(), account.id, command.login));
  const int64_t now_us = wall_clock_();
  if (!login || login->expires_us <= now_us) return fail(Code::not_found, 0, "no such login");
  if (account.state == AccountState::blocked) return fail(Code::forbidden, 0, "this account is blocked");
  if (command.generation == login->generation) {
    ++login->generation;
    login->rotated_us = now_us;
    login->expires_us = command.expires_us;
    put_login(batch_, account.id, *login);
    return Refreshed{Refreshed::Outcome::rotated, login->generation, login->expires_us};
  }
  const bool is_previous = command.generation + 1 == login->generation;
  if (is_previous && now_us - login->rotated_us <= kRefreshGraceUs)
    return Refreshed{Refreshed::Outcome::grace, login->generation, login->expires_us};
  remove_login(batch_, account.id, login->id);
  return Refreshed{.outcome = Refreshed::Outcome::reused};
}

Result<Reply> Applier::apply(EndLogin& command) {
  TRY(check_account_id(command.account));
  remove_login(batch_, command.account, command.login);
  return AccountDone{};
}

Result<Reply> Applier::apply(PutInvitation& command) {
  TRY_ASSIGN(const auto open, scan_invitations(database_, read_options()));
  const int64_t now_us = wall_clock_();
  size_t count = 0;
  for (const OpenInvitation& each : open) count += each.invitation.expires_us > now_us ? 1 : 0;
  if (count >= kInvitationsMax) return fail(Code::queue_full, 0, "too many invitations are open");
  for (const OpenInvitation& each : open) {
    if (each.invitation.expires_us <= now_us) batch_.remove(Family::accounts, each.key);
  }
  std::string key;
  append_invitation_key(key, hash_bytes(command.hash));
  std::string value;
  append_invitation_record(value, command.invitation);
  batch_.put(Family::accounts, key, value);
  return AccountDone{};
}

Result<Reply> Applier::apply(DeleteInvitation& command) {
  TRY_ASSIGN(const auto open, scan_invitations(database_, read_options()));
  const auto found = std::find_if(open.begin(), open.end(),
                                  [&](const OpenInvitation& each) { return each.invitation.id == command.id; });
  if (found == open.end()) return fail(Code::not_found, 0, "no such invitation");
  batch_.remove(Family::accounts, found->key);
  return AccountDone{};
}

}  // namespace bobbin::store
