#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "storage/account_types.h"

namespace bobbin::store {

class Database;
enum class Tier : uint8_t;

// Which key a secret is, and whose.
struct FoundApiKey {
  std::string user;
  ApiKey key;
};

// Queries about identity. Thread-safe; each sees the state of one moment, and only what has been synced.
//
// nullopt: there is none. Errors of all: would_block (Tier::memory_only; always for those that give several rows), io,
// corrupt.
class AccountReader {
 public:
  explicit AccountReader(const Database& database) : database_(database) {}

  Result<std::optional<Account>> find_account(const std::string& account, Tier tier) const;
  Result<std::optional<Account>> find_account_by_email(const std::string& folded_email, Tier tier) const;
  Result<std::optional<Login>> find_login(const std::string& account, const Uuid& login, Tier tier) const;
  Result<std::optional<FoundApiKey>> find_api_key(const SecretHash& hash, Tier tier) const;
  Result<std::optional<Invitation>> find_invitation(const SecretHash& hash, Tier tier) const;

  // By id, at most `limit` after `after` (empty: from the first).
  Result<std::vector<Account>> list_accounts(const std::string& after, size_t limit, Tier tier) const;
  Result<std::vector<Login>> list_logins(const std::string& account, Tier tier) const;
  Result<std::vector<ApiKey>> list_api_keys(const std::string& user, Tier tier) const;
  Result<std::vector<Invitation>> list_invitations(Tier tier) const;
  // Whether an account is an admin and not blocked.
  Result<bool> has_admin(Tier tier) const;

 private:
  const Database& database_;
};

}  // namespace bobbin::store
