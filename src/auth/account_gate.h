#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "src/auth/digest.h"
#include "src/auth/jwt.h"
#include "src/auth/revocations.h"
#include "src/loop/gate.h"
#include "src/loop/loop.h"
#include "src/loop/offload.h"
#include "src/loop/task.h"
#include "storage/store.h"

namespace bobbin::auth {

// What every API key begins with, so that none is taken for a JWT, and a scanner for leaked secrets finds it.
inline constexpr std::string_view kApiKeyPrefix = "bob_";

// Whether what a signature proves is still so: asks the store about accounts, logins and API keys, and remembers the
// answer until anything of the kind is revoked. One for each worker, on its loop.
class AccountGate {
 public:
  // All outlive it.
  AccountGate(Loop& loop, BlockingPool& pool, store::Store& store, const Revocations& revocations)
      : loop_(loop), pool_(pool), store_(store), revocations_(revocations) {}

  // Of an account: it must be there and not blocked, the login that the token stands on must not have ended, and a
  // token without login must be younger than the account's token epoch. `admin` becomes what the account is, whatever
  // the token says. Identities of other issuers pass as they are.
  // Errors: unauthorized; those of the store.
  Task<Result<Identity>> admit(Identity identity);

  // Who an API key speaks for. Errors: unauthorized (unknown, expired, or its owner is gone or blocked); those of the
  // store. Its last use is noted, a minute late at most.
  Task<Result<Identity>> admit_key(std::string_view secret);

  // Complete when nothing is on its way to the store. Call once, last.
  Completion& close() noexcept { return work_.close(); }

 private:
  struct Account {
    bool admin = false;
    int64_t valid_from_us = 0;  // of tokens without a login
    int64_t expires_us = 0;     // of the login
  };
  struct Key {
    Identity identity;
    int64_t good_until_us = 0;  // then its use is noted again
  };
  struct DigestHash {
    size_t operator()(const Sha256& digest) const noexcept;
  };

  // Forgets everything when something was revoked since it was learnt.
  uint64_t keep_current();
  Task<Result<Account>> read_account(std::string user, Uuid login);
  static Result<void> check(const Account& account, const Identity& identity);
  Task<void> note_use(std::string user, Uuid key, int64_t now_us);

  Loop& loop_;
  BlockingPool& pool_;
  store::Store& store_;
  const Revocations& revocations_;
  Gate work_;
  uint64_t version_ = 0;
  std::unordered_map<std::string, Account> accounts_;  // by user and login
  std::unordered_map<Sha256, Key, DigestHash> keys_;
};

}  // namespace bobbin::auth
