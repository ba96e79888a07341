#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/uuid.h"

// Identity as the store keeps it: plain values (storage/FORMAT.md, "Records"). Secrets are kept as hashes only. Every
// number of an enum is part of the format: never renumber.
namespace bobbin::store {

using SecretHash = std::array<uint8_t, 32>;  // SHA-256

// What the ids of accounts begin with. Made here: never somebody else's `sub`.
inline constexpr std::string_view kAccountIdPrefix = "acct_";

enum class AccountRole : uint8_t { user = 1, admin = 2 };
enum class AccountState : uint8_t { active = 1, blocked = 2 };

struct Account {
  std::string id;             // `acct_…`, made here: never somebody else's `sub`
  std::string email;          // folded, as addresses are compared
  std::string password_hash;  // argon2id, PHC string
  AccountRole role = AccountRole::user;
  AccountState state = AccountState::active;
  int64_t created_us = 0;
  int64_t tokens_valid_from_us = 0;  // the account's token epoch: what was signed before is void

  friend bool operator==(const Account&, const Account&) = default;
};

// One device that is signed in: a line of refresh tokens, of which each replaces the one before.
struct Login {
  Uuid id;
  uint64_t generation = 1;  // of the token that is good now
  int64_t created_us = 0;
  int64_t rotated_us = 0;  // when this generation was given out
  int64_t expires_us = 0;

  friend bool operator==(const Login&, const Login&) = default;
};

// The right to make one account.
struct Invitation {
  Uuid id;
  AccountRole role = AccountRole::user;
  std::string created_by;  // user id
  int64_t created_us = 0;
  int64_t expires_us = 0;

  friend bool operator==(const Invitation&, const Invitation&) = default;
};

// Bits of ApiKey::scopes.
namespace key_scopes {
inline constexpr uint32_t kRead = 1u << 0;  // look at chats
inline constexpr uint32_t kChat = 1u << 1;  // and change them
inline constexpr uint32_t kAll = kRead | kChat;
}  // namespace key_scopes

struct ApiKey {
  Uuid id;
  std::string name;    // for people
  std::string prefix;  // the first characters of the secret, to tell keys apart
  SecretHash hash{};
  uint32_t scopes = 0;
  int64_t created_us = 0;
  int64_t expires_us = 0;    // 0: never
  int64_t last_used_us = 0;  // 0: never; a minute behind at most

  friend bool operator==(const ApiKey&, const ApiKey&) = default;
};

}  // namespace bobbin::store
