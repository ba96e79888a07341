#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/auth/digest.h"
#include "src/auth/refresh_token.h"
#include "src/auth/revocations.h"
#include "src/auth/sign_in_delays.h"
#include "src/loop/cancel.h"
#include "src/loop/loop.h"
#include "src/loop/offload.h"
#include "src/loop/task.h"
#include "storage/store.h"

namespace bobbin::auth {

enum class Registration : uint8_t { open, invite, closed };

struct AccountOptions {
  Registration registration = Registration::closed;
  // Signs access tokens, and what refresh tokens are signed with follows from it.
  std::string secret;
  // Of the secret in the link that makes the first admin; nullopt: there is none.
  std::optional<Sha256> set_up_hash;
};

// An access token cannot be taken back by whoever loses it; what ends it early is the account's or the login's end.
inline constexpr int64_t kAccessTokenTtlS = 15 * 60;
// A device that is not used for so long has to sign in again.
inline constexpr int64_t kLoginTtlS = int64_t{30} * 24 * 3600;
inline constexpr int64_t kInvitationTtlS = int64_t{7} * 24 * 3600;
inline constexpr uint64_t kInvitationTtlMaxS = uint64_t{30} * 24 * 3600;

// What a device holds once it is signed in.
struct SignedIn {
  store::Account account;
  Uuid login;
  std::string access_token;
  std::string refresh_token;
};

struct NewAccount {
  std::string email;
  std::string password;
  std::string invitation;  // the secret of one; empty: none
  std::string set_up;      // the secret of the link for the first admin; empty: none
};

// Accounts for a box without an identity provider. One for each worker, on its loop. Passwords are hashed on
// `hash_pool`, whose threads and queue bound memory and load.
//
// Errors of all besides what each says: those of the store; overloaded (too many passwords wait).
class Accounts {
 public:
  struct Parts {
    Loop& loop;
    BlockingPool& read_pool;
    BlockingPool& hash_pool;
    store::Store& store;
    Revocations& revocations;
    SignInDelays& delays;
  };
  // All outlive it.
  Accounts(const Parts& parts, const AccountOptions& options) : parts_(parts), options_(options) {}
  Accounts(const Accounts&) = delete;
  Accounts& operator=(const Accounts&) = delete;
  ~Accounts() = default;

  // Makes an account and signs its first device in. Errors: forbidden (registration is closed; no such invitation;
  // there is an admin already), invalid (no e-mail address; password too short), busy (the address has an account).
  Task<Result<SignedIn>> sign_up(NewAccount request, std::string client);

  // Waits first, after failures (sign_in_delays.h); `client` is the address it comes from. Errors: unauthorized (no
  // such account, or another password: which of the two, neither the words nor the time tell); forbidden (blocked);
  // rate_limited.
  Task<Result<SignedIn>> sign_in(std::string email, std::string password, std::string client);

  // The next tokens of a device. Errors: unauthorized (not ours, ended, or used before: then the login has ended).
  Task<Result<SignedIn>> refresh(std::string refresh_token);

  // Ends one login, or all of an account and whatever tokens it had: durable and known to every worker at the end.
  Task<Result<void>> sign_out(std::string account, Uuid login);
  Task<Result<void>> sign_out_everywhere(std::string account);
  [[nodiscard]] std::optional<RefreshToken> parse(std::string_view refresh_token) const {
    return parse_refresh_token(options_.secret, refresh_token);
  }

  // Signs out everywhere, and this device in again. Errors: as sign_in, whose waits it shares; invalid.
  Task<Result<SignedIn>> change_password(std::string account, std::string password, std::string new_password,
                                         std::string client);
  // The same for who holds a token for it, of `issued_us`: good for one.
  Task<Result<SignedIn>> reset_password(std::string account, std::string new_password, int64_t issued_us,
                                        std::string client);
  // Whether `password` is the account's, with the waits of sign_in. Errors: as sign_in.
  Task<Result<store::Account>> check_account_password(std::string account, std::string password, std::string client);

  // Sets role or state, or signs out everywhere. Errors: not_found, busy (the last admin).
  Task<Result<store::Account>> change(store::ChangeAccount command);
  // Errors: not_found, busy (the last admin).
  Task<Result<void>> remove(std::string account);

  [[nodiscard]] const AccountOptions& options() const noexcept { return options_; }

  // Ends those that wait, with `draining`. They have ended when their requests are answered.
  void begin_drain() noexcept { waits_.request(); }

 private:
  Task<Result<SignedIn>> set_password(const store::Account& account, std::string new_password, std::string client);
  Task<Result<SignedIn>> start_login(store::Account account);
  Result<SignedIn> make_tokens(store::Account account, const Uuid& login, uint64_t generation) const;
  // Judges a password after the wait that its account and network have earned. `named` is what the count goes by.
  Task<Result<store::Account>> judge(std::string named, std::optional<store::Account> account, std::string password,
                                     std::string client);
  Task<Result<store::Account>> read(std::string account);
  Task<Result<std::string>> hash(std::string password, std::string client);
  Task<Result<bool>> verify(std::string password, std::string hash, std::string client);
  [[nodiscard]] int64_t now_ms() const noexcept { return static_cast<int64_t>(parts_.loop.now_ms()); }

  Parts parts_;
  const AccountOptions& options_;
  CancelScope waits_;
};

// The address as accounts are compared by: case and width folded (NFKC). Errors: invalid (not `local@domain` of 3 to
// 128 bytes without white space and controls).
Result<std::string> fold_email(std::string_view email);

}  // namespace bobbin::auth
