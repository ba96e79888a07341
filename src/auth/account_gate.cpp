#include "src/auth/account_gate.h"

#include <algorithm>
#include <cstring>

#include "src/loop/spawn.h"
#include "src/store/store_op.h"

namespace bobbin::auth {
namespace {

// Remembered at once; with more, all is learnt anew.
constexpr size_t kEntriesMax = 4096;
// How exactly the last use of a key is kept: each note is a commit.
constexpr int64_t kUseNotedUs = 60'000'000;

auto refuse(const char* detail) { return fail(Code::unauthorized, 0, detail); }

std::string name_of(const std::string& user, const Uuid& login) {
  return std::string(user).append(reinterpret_cast<const char*>(login.bytes.data()), login.bytes.size());
}

}  // namespace

size_t AccountGate::DigestHash::operator()(const Sha256& digest) const noexcept {
  size_t hash;  // the bytes of a digest are evenly spread already
  std::memcpy(&hash, digest.data(), sizeof hash);
  return hash;
}

uint64_t AccountGate::keep_current() {
  const uint64_t version = revocations_.version();
  if (version != version_ || accounts_.size() >= kEntriesMax || keys_.size() >= kEntriesMax) {
    accounts_.clear();
    keys_.clear();
    version_ = version;
  }
  return version;
}

Result<void> AccountGate::check(const Account& account, const Identity& identity) {
  if (identity.credential.is_zero()) {
    if (identity.issued_us <= account.valid_from_us) return refuse("the token was made before all of them were ended");
    return {};
  }
  if (account.expires_us <= wall_now_us()) return refuse("the token's login has ended");
  return {};
}

Task<Result<AccountGate::Account>> AccountGate::read_account(std::string user, Uuid login) {
  store::StoreRead account_read(pool_, loop_,
                                [&](store::Tier tier) { return store_.accounts().find_account(user, tier); });
  CO_TRY_ASSIGN(const std::optional<store::Account> account, co_await account_read.run());
  if (!account) co_return refuse("the token's account is gone");
  if (account->state == store::AccountState::blocked) co_return refuse("the token's account is blocked");
  Account found{.admin = account->role == store::AccountRole::admin, .valid_from_us = account->tokens_valid_from_us};
  if (login.is_zero()) co_return found;
  store::StoreRead login_read(pool_, loop_,
                              [&](store::Tier tier) { return store_.accounts().find_login(user, login, tier); });
  CO_TRY_ASSIGN(const std::optional<store::Login> row, co_await login_read.run());
  if (!row) co_return refuse("the token's login has ended");
  found.expires_us = row->expires_us;
  co_return found;
}

Task<Result<Identity>> AccountGate::admit(Identity identity) {
  if (!is_account_id(identity.user)) co_return identity;
  const uint64_t version = keep_current();
  std::string name = name_of(identity.user, identity.credential);
  Account account;
  // A login that has come to its end may have been refreshed since: its row knows.
  const auto known = accounts_.find(name);
  const bool is_known =
      known != accounts_.end() && (identity.credential.is_zero() || wall_now_us() < known->second.expires_us);
  if (is_known) {
    account = known->second;
  } else {
    CO_TRY_ASSIGN(account, co_await read_account(identity.user, identity.credential));
    // Not when something was revoked meanwhile: what was read may be older.
    if (version == revocations_.version() && version == version_) accounts_.insert_or_assign(std::move(name), account);
  }
  CO_TRY(check(account, identity));
  identity.admin = account.admin;
  co_return identity;
}

Task<Result<Identity>> AccountGate::admit_key(std::string_view secret) {
  const uint64_t version = keep_current();
  const int64_t now_us = wall_now_us();
  const Sha256 hash = sha256(secret);
  if (const auto known = keys_.find(hash); known != keys_.end()) {
    const Key& key = known->second;
    if (now_us < std::min(key.good_until_us, key.identity.expires_us)) co_return key.identity;
    keys_.erase(known);
  }
  store::StoreRead read(pool_, loop_, [&](store::Tier tier) { return store_.accounts().find_api_key(hash, tier); });
  CO_TRY_ASSIGN(std::optional<store::FoundApiKey> found, co_await read.run());
  if (!found) co_return refuse("the API key is unknown");
  const int64_t expires_us = found->key.expires_us == 0 ? INT64_MAX : found->key.expires_us;
  if (expires_us <= now_us) co_return refuse("the API key has expired");
  if (is_account_id(found->user)) CO_TRY(co_await read_account(found->user, Uuid{}));
  Identity identity{.user = std::move(found->user),
                    .expires_us = expires_us,
                    .credential = found->key.id,
                    .is_api_key = true,
                    .scopes = found->key.scopes};
  if (version == revocations_.version() && version == version_)
    keys_.insert_or_assign(hash, Key{identity, now_us + kUseNotedUs});
  if (now_us - found->key.last_used_us >= kUseNotedUs) spawn(work_, note_use(identity.user, found->key.id, now_us));
  co_return identity;
}

Task<void> AccountGate::note_use(std::string user, Uuid key, int64_t now_us) {
  store::StoreOp touch(store_, loop_, store::TouchApiKey{std::move(user), key, now_us});
  // Whether the note is kept or lost, the key is good: the next use tries again.
  static_cast<void>(co_await touch.run());
}

}  // namespace bobbin::auth
