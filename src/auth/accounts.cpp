#include "src/auth/accounts.h"

#include <algorithm>

#include "src/auth/account_gate.h"
#include "src/auth/password.h"
#include "src/auth/token_mint.h"
#include "src/base/log.h"
#include "src/base/metrics.h"
#include "src/base/text.h"
#include "src/loop/sleep.h"
#include "src/store/store_op.h"

namespace bobbin::auth {
namespace {

// When the queue of an account and network has room again, at the latest.
constexpr int32_t kFullQueueS = SignInDelays::kDelayMsMax / 1000;

constexpr char kWrongPassword[] = "the e-mail address or the password is wrong";

class HashJob final : public BlockingJob {
 public:
  explicit HashJob(std::string password) : password_(std::move(password)) {}
  Result<std::string> hash;

 private:
  void work() noexcept override { hash = hash_password(password_); }
  const std::string password_;
};

class VerifyJob final : public BlockingJob {
 public:
  // Against the decoy where `hash` is empty.
  VerifyJob(std::string password, std::string hash) : password_(std::move(password)), hash_(std::move(hash)) {}
  Result<bool> is_right;

 private:
  void work() noexcept override {
    is_right = verify_password(password_, hash_.empty() ? std::string(kDecoyPasswordHash) : hash_);
    if (is_right && hash_.empty()) is_right = false;
  }
  const std::string password_;
  const std::string hash_;
};

constexpr char kTooManyHashes[] = "too many passwords of this network are being looked at: try again in a moment";

// A network's right to a place before the hasher, for as long as it lives.
class HashPlace {
 public:
  HashPlace(SignInDelays& delays, std::string client)
      : delays_(delays), client_(std::move(client)), is_taken_(delays_.enter_hashing(client_)) {}
  HashPlace(const HashPlace&) = delete;
  HashPlace& operator=(const HashPlace&) = delete;
  ~HashPlace() {
    if (is_taken_) delays_.leave_hashing(client_);
  }
  [[nodiscard]] bool is_taken() const noexcept { return is_taken_; }

 private:
  SignInDelays& delays_;
  const std::string client_;
  const bool is_taken_;
};

}  // namespace

Result<std::string> fold_email(std::string_view email) {
  std::string folded = fold_case(email);
  const size_t at = folded.find('@');
  const bool has_two_sides = at != std::string::npos && at > 0 && at + 1 < folded.size() && folded.rfind('@') == at;
  if (folded.size() > store::kEmailBytesMax || !has_two_sides || has_control_characters(folded) ||
      folded.find_first_of(" \t<>\"(),:;[]\\") != std::string::npos) {
    return fail(Code::invalid, 0, "that is not an e-mail address of at most 128 bytes");
  }
  return folded;
}

Task<Result<std::string>> Accounts::hash(std::string password, std::string client) {
  const HashPlace place(parts_.delays, client);
  if (!place.is_taken()) co_return fail(Code::rate_limited, 1, kTooManyHashes);
  HashJob job(std::move(password));
  CO_TRY(co_await job.run(parts_.hash_pool, parts_.loop));
  co_return std::move(job.hash);
}

Result<SignedIn> Accounts::make_tokens(store::Account account, const Uuid& login, uint64_t generation) const {
  TRY_ASSIGN(std::string access,
             mint_token(options_.secret, {.user = account.id, .ttl_s = kAccessTokenTtlS, .login = login},
                        wall_now_us() / 1'000'000));
  std::string refresh = make_refresh_token(options_.secret, {account.id, login, generation});
  return SignedIn{std::move(account), login, std::move(access), std::move(refresh)};
}

Task<Result<SignedIn>> Accounts::start_login(store::Account account) {
  const int64_t now_us = wall_now_us();
  const store::Login login{
      .id = make_uuid_v4(), .created_us = now_us, .rotated_us = now_us, .expires_us = now_us + kLoginTtlS * 1'000'000};
  store::StoreOp start(parts_.store, parts_.loop, store::StartLogin{account.id, login, account.tokens_valid_from_us});
  CO_TRY_ASSIGN(const store::Reply reply, co_await start.run());
  if (const auto& ended = std::get<store::AccountDone>(reply).ended_login; ended)
    parts_.revocations.revoke({account.id, *ended});
  co_return make_tokens(std::move(account), login.id, login.generation);
}

Task<Result<SignedIn>> Accounts::sign_up(NewAccount request, std::string client) {
  CO_TRY_ASSIGN(std::string email, fold_email(request.email));
  CO_TRY(check_password(request.password));
  store::CreateAccount create;
  if (!request.set_up.empty()) {
    const Sha256 shown = sha256(request.set_up);
    if (!options_.set_up_hash || !equal_in_constant_time(as_text(shown), as_text(*options_.set_up_hash)))
      co_return fail(Code::forbidden, 0, "this set-up link is unknown or too old; restart the server for a new one");
    create.only_first_admin = true;
    create.account.role = store::AccountRole::admin;
  } else if (options_.registration == Registration::closed) {
    co_return fail(Code::forbidden, 0, "this server makes no new accounts");
  } else if (!request.invitation.empty()) {
    create.invitation = sha256(request.invitation);
    // Hashing a password is dear: first whether there is a reason to.
    store::StoreRead read(parts_.read_pool, parts_.loop, [&](store::Tier tier) {
      return parts_.store.accounts().find_invitation(*create.invitation, tier);
    });
    CO_TRY_ASSIGN(const auto invitation, co_await read.run());
    if (!invitation) co_return fail(Code::forbidden, 0, "this invitation is unknown, used up or too old");
  } else if (options_.registration == Registration::invite) {
    co_return fail(Code::forbidden, 0, "an account needs an invitation here: ask an admin for one");
  }
  CO_TRY_ASSIGN(create.account.password_hash, co_await hash(std::move(request.password), client));
  create.account.id = std::string(store::kAccountIdPrefix) + make_uuid_v4().to_string();
  create.account.email = std::move(email);
  create.account.created_us = wall_now_us();
  const std::string address = create.account.email;
  store::StoreOp op(parts_.store, parts_.loop, std::move(create));
  Result<store::Reply> made = co_await op.run();
  // Who asks which addresses have accounts pays as who guesses passwords.
  if (!made && made.error().code == Code::busy) parts_.delays.count_failure(address, client, now_ms());
  CO_TRY_ASSIGN(store::Reply reply, std::move(made));
  store::Account account = std::move(*std::get<store::AccountDone>(reply).account);
  log::info("account made", {{"user_id", account.id}, {"admin", account.role == store::AccountRole::admin}});
  co_return co_await start_login(std::move(account));
}

Task<Result<bool>> Accounts::verify(std::string password, std::string hash, std::string client) {
  const HashPlace place(parts_.delays, std::move(client));
  if (!place.is_taken()) co_return fail(Code::rate_limited, 1, kTooManyHashes);
  VerifyJob job(std::move(password), std::move(hash));
  CO_TRY(co_await job.run(parts_.hash_pool, parts_.loop));
  co_return job.is_right;
}

Task<Result<store::Account>> Accounts::judge(std::string named, std::optional<store::Account> account,
                                             std::string password, std::string client) {
  const std::optional<int64_t> wait_ms = parts_.delays.begin(named, client, now_ms());
  if (!wait_ms)
    co_return fail(Code::rate_limited, kFullQueueS, "too many attempts to sign in: wait half a minute and try again");
  using Outcome = SignInDelays::Outcome;
  if (*wait_ms > 0) {
    SleepOp sleep(parts_.loop, waits_, static_cast<uint64_t>(*wait_ms));
    if (const Result<void> slept = co_await sleep.run(); !slept) {
      parts_.delays.end(named, client, Outcome::abandoned, now_ms());
      co_return fail(Code::draining, 0, "the server is ending");
    }
  }
  const Result<bool> is_right = co_await verify(std::move(password), account ? account->password_hash : "", client);
  if (!is_right) {
    parts_.delays.end(named, client, Outcome::abandoned, now_ms());
    co_return fail(is_right.error());
  }
  parts_.delays.end(named, client, *is_right ? Outcome::succeeded : Outcome::failed, now_ms());
  if (!*is_right) {
    metrics::add(metrics::Counter::auth_failures);
    log::warn("sign-in failed", {{"user_id", account ? std::string_view(account->id) : ""}, {"client", client}});
    co_return fail(Code::unauthorized, 0, kWrongPassword);
  }
  if (account->state == store::AccountState::blocked) co_return fail(Code::forbidden, 0, "this account is blocked");
  co_return std::move(*account);
}

Task<Result<SignedIn>> Accounts::sign_in(std::string email, std::string password, std::string client) {
  Result<std::string> folded = fold_email(email);
  if (!folded || password.size() > kPasswordBytesMax) co_return fail(Code::unauthorized, 0, kWrongPassword);
  store::StoreRead read(parts_.read_pool, parts_.loop,
                        [&](store::Tier tier) { return parts_.store.accounts().find_account_by_email(*folded, tier); });
  CO_TRY_ASSIGN(std::optional<store::Account> account, co_await read.run());
  CO_TRY_ASSIGN(store::Account judged,
                co_await judge(std::move(*folded), std::move(account), std::move(password), std::move(client)));
  log::info("signed in", {{"user_id", judged.id}});
  co_return co_await start_login(std::move(judged));
}

Task<Result<SignedIn>> Accounts::refresh(std::string refresh_token) {
  const std::optional<RefreshToken> token = parse(refresh_token);
  if (!token) co_return fail(Code::unauthorized, 0, "the refresh token is not one of this server");
  store::StoreOp op(
      parts_.store, parts_.loop,
      store::RefreshLogin{token->account, token->login, token->generation, wall_now_us() + kLoginTtlS * 1'000'000});
  const Result<store::Reply> reply = co_await op.run();
  if (!reply) {
    const Code code = reply.error().code;
    if (code == Code::not_found) co_return fail(Code::unauthorized, 0, "this login has ended: sign in again");
    co_return fail(reply.error());
  }
  const auto& refreshed = std::get<store::Refreshed>(*reply);
  if (refreshed.outcome == store::Refreshed::Outcome::reused) {
    parts_.revocations.revoke({token->account, token->login});
    metrics::add(metrics::Counter::auth_failures);
    log::warn("a refresh token was used twice: its login is ended", {{"user_id", token->account}});
    co_return fail(Code::unauthorized, 0, "this refresh token was used before: sign in again");
  }
  co_return make_tokens({.id = token->account}, token->login, refreshed.generation);
}

Task<Result<void>> Accounts::sign_out(std::string account, Uuid login) {
  store::StoreOp op(parts_.store, parts_.loop, store::EndLogin{account, login});
  CO_TRY(co_await op.run());
  parts_.revocations.revoke({std::move(account), login});
  co_return Result<void>{};
}

Task<Result<void>> Accounts::sign_out_everywhere(std::string account) {
  CO_TRY(co_await change({.account = std::move(account), .end_logins = true}));
  co_return Result<void>{};
}

Task<Result<store::Account>> Accounts::read(std::string account) {
  store::StoreRead read(parts_.read_pool, parts_.loop,
                        [&](store::Tier tier) { return parts_.store.accounts().find_account(account, tier); });
  CO_TRY_ASSIGN(std::optional<store::Account> found, co_await read.run());
  if (!found) co_return fail(Code::not_found, 0, "no such account");
  co_return std::move(*found);
}

Task<Result<store::Account>> Accounts::check_account_password(std::string account, std::string password,
                                                              std::string client) {
  CO_TRY_ASSIGN(store::Account found, co_await read(std::move(account)));
  std::string named = found.email;
  co_return co_await judge(std::move(named), std::move(found), std::move(password), std::move(client));
}

Task<Result<SignedIn>> Accounts::change_password(std::string account, std::string password, std::string new_password,
                                                 std::string client) {
  CO_TRY(check_password(new_password));
  CO_TRY_ASSIGN(const store::Account judged,
                co_await check_account_password(std::move(account), std::move(password), client));
  co_return co_await set_password(judged, std::move(new_password), std::move(client));
}

Task<Result<SignedIn>> Accounts::reset_password(std::string account, std::string new_password, int64_t issued_us,
                                                std::string client) {
  CO_TRY(check_password(new_password));
  CO_TRY_ASSIGN(const store::Account found, co_await read(std::move(account)));
  if (issued_us <= found.tokens_valid_from_us) co_return fail(Code::unauthorized, 0, "this token was used before");
  co_return co_await set_password(found, std::move(new_password), std::move(client));
}

Task<Result<SignedIn>> Accounts::set_password(const store::Account& account, std::string new_password,
                                              std::string client) {
  CO_TRY_ASSIGN(std::string hashed, co_await hash(std::move(new_password), std::move(client)));
  CO_TRY_ASSIGN(store::Account changed, co_await change({.account = account.id,
                                                         .epoch = account.tokens_valid_from_us,
                                                         .password_hash = std::move(hashed),
                                                         .end_logins = true}));
  log::info("password changed", {{"user_id", changed.id}});
  co_return co_await start_login(std::move(changed));
}

Task<Result<store::Account>> Accounts::change(store::ChangeAccount command) {
  const std::string account = command.account;
  store::StoreOp op(parts_.store, parts_.loop, std::move(command));
  CO_TRY_ASSIGN(store::Reply reply, co_await op.run());
  parts_.revocations.revoke({account, Uuid{}});
  co_return std::move(*std::get<store::AccountDone>(reply).account);
}

Task<Result<void>> Accounts::remove(std::string account) {
  store::StoreOp op(parts_.store, parts_.loop, store::DeleteAccount{account});
  CO_TRY(co_await op.run());
  log::info("account deleted", {{"user_id", account}});
  parts_.revocations.revoke({std::move(account), Uuid{}});
  co_return Result<void>{};
}

}  // namespace bobbin::auth
