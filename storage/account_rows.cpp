#include "storage/account_rows.h"

#include "storage/keys.h"
#include "storage/scan.h"

namespace bobbin::store {
namespace {

// One row, decoded; nullopt: it is not there.
template <class Decode>
auto get_row(const Database& database, const rocksdb::ReadOptions& options, Family family, const std::string& key,
             Decode decode) -> Result<std::optional<typename decltype(decode(std::string_view()))::value_type>> {
  rocksdb::PinnableSlice value;
  TRY_ASSIGN(const bool found, database.get(options, family, key, value));
  if (!found) return std::nullopt;
  auto row = decode(to_view(value));
  if (!row) return fail(corrupt_row(family, key, row.error()));
  return std::move(*row);
}

// Calls `take(key, value)`, a Result<bool>, for each row between the bounds until it says false.
template <class Take>
Result<void> scan_rows(const Database& database, const rocksdb::ReadOptions& options, Family family, std::string first,
                       std::string end, Take take) {
  Scan scan(database, family, Scan::Within::family, options, std::move(first), std::move(end));
  for (; scan.valid(); scan.next()) {
    const Result<bool> more = take(scan.key(), scan.value());
    if (!more) return fail(corrupt_row(family, scan.key(), more.error()));
    if (!*more) return {};
  }
  return scan.status();
}

// The rows str(owner) | id, without that of the owner.
template <class Row, class Decode>
Result<std::vector<Row>> scan_owned(const Database& database, const rocksdb::ReadOptions& options, Family family,
                                    const std::string& owner, Decode decode) {
  std::string prefix;
  append_user_prefix(prefix, owner);
  std::string end = prefix_end(prefix);
  std::string first = prefix;
  first.push_back('\0');
  std::vector<Row> rows;
  TRY(scan_rows(database, options, family, std::move(first), std::move(end),
                [&](std::string_view key, std::string_view value) -> Result<bool> {
                  const auto parts = parse_owned_id_key(key);
                  if (!parts) return fail(Code::corrupt, 0, "key does not fit its layout");
                  TRY_ASSIGN(Row row, decode(value, parts->id));
                  rows.push_back(std::move(row));
                  return true;
                }));
  return rows;
}

// After the last str(): what is looked up by a hash comes there.
const std::string kEndOfAccounts("\xff", 1);

}  // namespace

Result<std::optional<Account>> get_account(const Database& database, const rocksdb::ReadOptions& options,
                                           const std::string& account) {
  std::string key;
  append_user_prefix(key, account);
  return get_row(database, options, Family::accounts, key,
                 [&](std::string_view value) { return decode_account(value, account); });
}

Result<std::optional<std::string>> get_account_of_email(const Database& database, const rocksdb::ReadOptions& options,
                                                        const std::string& folded_email) {
  std::string key;
  append_email_key(key, folded_email);
  return get_row(database, options, Family::accounts, key, decode_account_reference);
}

Result<std::optional<Login>> get_login(const Database& database, const rocksdb::ReadOptions& options,
                                       const std::string& account, const Uuid& login) {
  std::string key;
  append_login_key(key, account, login);
  return get_row(database, options, Family::accounts, key,
                 [&](std::string_view value) { return decode_login(value, login); });
}

Result<std::optional<Invitation>> get_invitation(const Database& database, const rocksdb::ReadOptions& options,
                                                 const SecretHash& hash) {
  std::string key;
  append_invitation_key(key, hash_bytes(hash));
  return get_row(database, options, Family::accounts, key, decode_invitation);
}

Result<std::optional<ApiKeyReference>> get_key_reference(const Database& database, const rocksdb::ReadOptions& options,
                                                         const SecretHash& hash) {
  std::string key;
  append_key_reference_key(key, hash_bytes(hash));
  return get_row(database, options, Family::keys, key, decode_api_key_reference);
}

Result<std::optional<ApiKey>> get_api_key(const Database& database, const rocksdb::ReadOptions& options,
                                          const std::string& user, const Uuid& id) {
  std::string key;
  append_api_key_key(key, user, id);
  return get_row(database, options, Family::keys, key,
                 [&](std::string_view value) { return decode_api_key(value, id); });
}

Result<std::vector<Account>> scan_accounts(const Database& database, const rocksdb::ReadOptions& options,
                                           const std::string& after, size_t limit) {
  std::string first("\x01", 1);
  if (!after.empty()) {
    first.clear();
    append_user_prefix(first, after);
    first.push_back('\0');
  }
  std::vector<Account> accounts;
  TRY(scan_rows(database, options, Family::accounts, std::move(first), kEndOfAccounts,
                [&](std::string_view key, std::string_view value) -> Result<bool> {
                  if (parse_owned_id_key(key)) return true;
                  TRY_ASSIGN(Account account, decode_account(value, key.substr(1)));
                  accounts.push_back(std::move(account));
                  return accounts.size() < limit;
                }));
  return accounts;
}

Result<bool> has_acting_admin(const Database& database, const rocksdb::ReadOptions& options, std::string_view without) {
  constexpr size_t kPage = 256;
  std::string after;
  for (;;) {
    TRY_ASSIGN(const std::vector<Account> page, scan_accounts(database, options, after, kPage));
    for (const Account& account : page) {
      if (account.id != without && is_acting_admin(account)) return true;
    }
    if (page.size() < kPage) return false;
    after = page.back().id;
  }
}

Result<std::vector<Login>> scan_logins(const Database& database, const rocksdb::ReadOptions& options,
                                       const std::string& account) {
  return scan_owned<Login>(database, options, Family::accounts, account, decode_login);
}

Result<std::vector<ApiKey>> scan_api_keys(const Database& database, const rocksdb::ReadOptions& options,
                                          const std::string& user) {
  return scan_owned<ApiKey>(database, options, Family::keys, user, decode_api_key);
}

Result<std::vector<OpenInvitation>> scan_invitations(const Database& database, const rocksdb::ReadOptions& options) {
  std::vector<OpenInvitation> open;
  std::string end(34, '\xff');  // after every hash
  TRY(scan_rows(database, options, Family::accounts, kEndOfAccounts, std::move(end),
                [&](std::string_view key, std::string_view value) -> Result<bool> {
                  TRY_ASSIGN(Invitation invitation, decode_invitation(value));
                  open.push_back({std::string(key), std::move(invitation)});
                  return true;
                }));
  return open;
}

}  // namespace bobbin::store
