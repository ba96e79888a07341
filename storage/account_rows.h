#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/account_records.h"
#include "storage/database.h"

// The rows of identity, one at a time and by owner: for queries and for the writer. Internal to storage.
//
// Errors of all: corrupt (the key is logged), io, and with a memory tier in `options` would_block.
namespace bobbin::store {

Result<std::optional<Account>> get_account(const Database& database, const rocksdb::ReadOptions& options,
                                           const std::string& account);
// By the folded address: the account's id.
Result<std::optional<std::string>> get_account_of_email(const Database& database, const rocksdb::ReadOptions& options,
                                                        const std::string& folded_email);
Result<std::optional<Login>> get_login(const Database& database, const rocksdb::ReadOptions& options,
                                       const std::string& account, const Uuid& login);
Result<std::optional<Invitation>> get_invitation(const Database& database, const rocksdb::ReadOptions& options,
                                                 const SecretHash& hash);
Result<std::optional<ApiKeyReference>> get_key_reference(const Database& database, const rocksdb::ReadOptions& options,
                                                         const SecretHash& hash);
Result<std::optional<ApiKey>> get_api_key(const Database& database, const rocksdb::ReadOptions& options,
                                          const std::string& user, const Uuid& id);

// At most `limit` accounts, by id, after `after` (empty: from the first).
Result<std::vector<Account>> scan_accounts(const Database& database, const rocksdb::ReadOptions& options,
                                           const std::string& after, size_t limit);
Result<std::vector<Login>> scan_logins(const Database& database, const rocksdb::ReadOptions& options,
                                       const std::string& account);
struct OpenInvitation {
  std::string key;
  Invitation invitation;
};
Result<std::vector<OpenInvitation>> scan_invitations(const Database& database, const rocksdb::ReadOptions& options);
Result<std::vector<ApiKey>> scan_api_keys(const Database& database, const rocksdb::ReadOptions& options,
                                          const std::string& user);

// An admin that is not blocked.
inline bool is_acting_admin(const Account& account) noexcept {
  return account.role == AccountRole::admin && account.state == AccountState::active;
}
// Whether there is one besides `without`. Reads every account: changes of admins are rare.
Result<bool> has_acting_admin(const Database& database, const rocksdb::ReadOptions& options, std::string_view without);

inline std::string_view hash_bytes(const SecretHash& hash) noexcept {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

}  // namespace bobbin::store
