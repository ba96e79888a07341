#pragma once

#include <optional>
#include <string>

#include "storage/account_types.h"

// What changes accounts, logins, invitations and API keys. None of it makes a change entry: followers never see
// identities. All → AccountDone, but RefreshLogin → Refreshed.
namespace bobbin::store {

inline constexpr size_t kEmailBytesMax = 128;
inline constexpr size_t kPasswordHashBytesMax = 256;
inline constexpr size_t kKeyNameBytesMax = 128;
inline constexpr size_t kKeyPrefixBytesMax = 16;
// Devices that one account has signed in: past it, the one that was unused for longest is signed out.
inline constexpr size_t kLoginsMax = 64;
// Past it: queue_full.
inline constexpr size_t kApiKeysMax = 64;
inline constexpr size_t kInvitationsMax = 1000;

// Makes an account. Errors: busy (the address has one), forbidden (`invitation` is unknown or its time is over;
// or who made it is no admin any more; `only_first_admin` and there is an admin), invalid (sizes).
struct CreateAccount {
  Account account;
  std::optional<SecretHash> invitation;  // is spent by it; the account gets its role
  bool only_first_admin = false;
};

// Whoever was judged by what an account was says so: `epoch` is its tokens_valid_from_us then. It moves with every
// password, block and sign-out everywhere; with another one the command fails as unauthorized. nullopt: in any case.

// Changes what is given. Errors: not_found; busy (the last active admin would be none); unauthorized (`epoch`).
struct ChangeAccount {
  std::string account;
  std::optional<int64_t> epoch = std::nullopt;
  std::optional<std::string> password_hash;
  std::optional<AccountRole> role;
  std::optional<AccountState> state;
  // Ends every login, and voids the tokens of before.
  bool end_logins = false;
};

// Deletes an account with its logins, API keys and settings; its threads are for DeleteUserThreads. Errors: not_found;
// busy (the last active admin).
struct DeleteAccount {
  std::string account;
};

// Signs a device in. Errors: not_found, forbidden (blocked), unauthorized (`epoch`).
struct StartLogin {
  std::string account;
  Login login;
  std::optional<int64_t> epoch = std::nullopt;
};

// A refresh token of `generation` was shown. Errors: not_found (no such login, or its time is over; no such account);
// forbidden (blocked).
struct RefreshLogin {
  std::string account;
  Uuid login;
  uint64_t generation = 0;
  int64_t expires_us = 0;  // of the login, when it goes on
};
// So long the token before the newest is still good: two tabs may refresh at once.
inline constexpr int64_t kRefreshGraceUs = 10'000'000;

struct Refreshed {
  enum class Outcome : uint8_t {
    rotated,  // the next generation is the good one
    grace,    // it was the one before the newest, not for long: the newest is good
    reused,   // an old one: somebody else has a copy. The login was ended
  };
  Outcome outcome = Outcome::rotated;
  uint64_t generation = 0;
  int64_t expires_us = 0;
};

// Signs one device out. Nothing happens when it is not signed in.
struct EndLogin {
  std::string account;
  Uuid login;
};

// Errors: queue_full (kInvitationsMax are open).
struct PutInvitation {
  SecretHash hash{};
  Invitation invitation;
};
// Errors: not_found.
struct DeleteInvitation {
  Uuid id;
};

// `user` is anybody's, with an account or without. Errors: queue_full (kApiKeysMax of this user), invalid (sizes),
// not_found (an account that is gone).
struct PutApiKey {
  std::string user;
  ApiKey key;
};
// Errors: not_found.
struct DeleteApiKey {
  std::string user;
  Uuid id;
};
// Notes that the key was used. Nothing happens when it is not there.
struct TouchApiKey {
  std::string user;
  Uuid id;
  int64_t used_us = 0;
};

struct AccountDone {
  std::optional<Account> account = std::nullopt;   // as it is now; absent: the command is not about one, or it is gone
  std::optional<Uuid> ended_login = std::nullopt;  // StartLogin: which made room
};

}  // namespace bobbin::store
