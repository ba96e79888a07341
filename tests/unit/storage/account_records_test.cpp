// Keys and records of identity: the bytes are those of FORMAT.md, every field survives, and no cut or damaged record
// gets through.
#include "storage/account_records.h"

#include "storage/key_layout.h"
#include "storage/keys.h"
#include "storage/row_check.h"
#include "tests/support/ids.h"
#include "tests/support/test.h"

using namespace bobbin;
using namespace bobbin::store;

namespace {

using bobbin::test::id_of;

Account full_account() {
  return {.id = "acct_1",
          .email = "anna@example.org",
          .password_hash = "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA",
          .role = AccountRole::admin,
          .state = AccountState::blocked,
          .created_us = 5,
          .tokens_valid_from_us = -6};
}

Login full_login() { return {.id = id_of(7), .generation = 3, .created_us = 1, .rotated_us = 2, .expires_us = 4}; }

Invitation full_invitation() {
  return {.id = id_of(9), .role = AccountRole::admin, .created_by = "acct_0", .created_us = 1, .expires_us = INT64_MAX};
}

ApiKey full_key() {
  ApiKey key{.id = id_of(8), .name = "laptop", .prefix = "bob_abc", .scopes = key_scopes::kAll};
  key.hash.fill(0x5a);
  key.created_us = 1;
  key.expires_us = 2;
  key.last_used_us = 3;
  return key;
}

// Every prefix of `record`, and the record with each of its bytes changed, is corrupt.
template <class Decode>
void check_every_damage(const std::string& record, Decode decode) {
  CHECK(decode(record).has_value());
  for (size_t bytes = 0; bytes < record.size(); ++bytes) CHECK_FAILS(decode(record.substr(0, bytes)), Code::corrupt);
  for (size_t at = 0; at < record.size(); ++at) {
    std::string damaged = record;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    CHECK_FAILS(decode(damaged), Code::corrupt);
  }
}

std::string hash_of(char fill) { return std::string(32, fill); }

}  // namespace

TEST_CASE(keys_of_identity_are_those_of_the_format) {
  std::string login;
  append_login_key(login, "ab", id_of(1));
  CHECK_EQ(login, std::string("\x02"
                              "ab") +
                      std::string(16, '\x01'));
  std::string email;
  append_email_key(email, "a@b");
  CHECK_EQ(email, std::string("\0\x03", 2) + "a@b");
  std::string invitation;
  append_invitation_key(invitation, hash_of('h'));
  CHECK_EQ(invitation, "\xff" + hash_of('h'));
  std::string key;
  append_api_key_key(key, "u", id_of(2));
  CHECK_EQ(key, std::string("\x01"
                            "u") +
                    std::string(16, '\x02'));
  std::string reference;
  append_key_reference_key(reference, hash_of('h'));
  CHECK_EQ(reference, std::string(1, '\0') + hash_of('h'));
}

TEST_CASE(each_kind_of_key_is_told_from_the_others) {
  std::string login;
  append_login_key(login, "ab", id_of(1));
  CHECK_EQ(describe_key(Family::accounts, login), "account \"ab\" login 01010101-0101-0101-0101-010101010101");
  CHECK_EQ(describe_key(Family::accounts, std::string("\x02"
                                                      "ab")),
           "account \"ab\"");
  CHECK_EQ(describe_key(Family::accounts, std::string("\0\x03", 2) + "a@b"), "e-mail \"a@b\"");
  CHECK(describe_key(Family::accounts, "\xff" + hash_of('\x11')).starts_with("invitation hash 1111"));
  CHECK(describe_key(Family::keys, std::string(1, '\0') + hash_of('\x22')).starts_with("secret hash 2222"));
  CHECK(!fits_layout(Family::keys, "\xff" + hash_of('\x11')));
  CHECK(!fits_layout(Family::accounts, login.substr(0, login.size() - 1)));
  CHECK(!fits_layout(Family::accounts, login + "x"));
  CHECK(!fits_layout(Family::accounts, ""));
}

TEST_CASE(an_account_is_decoded_as_it_was_and_never_when_damaged) {
  std::string record;
  append_account_record(record, full_account());
  CHECK((CHECK_OK(decode_account(record, "acct_1")) == full_account()));
  CHECK_EQ(record.substr(0, 2), std::string("\x0e\x01", 2));
  check_every_damage(record, [](std::string_view bytes) { return decode_account(bytes, "acct_1"); });
}

TEST_CASE(a_login_is_decoded_as_it_was_and_never_when_damaged) {
  std::string record;
  append_login_record(record, full_login());
  CHECK((CHECK_OK(decode_login(record, id_of(7))) == full_login()));
  CHECK_EQ(record.size(), size_t{2 + 4 * 8 + 4});
  check_every_damage(record, [](std::string_view bytes) { return decode_login(bytes, id_of(7)); });
}

TEST_CASE(an_invitation_is_decoded_as_it_was_and_never_when_damaged) {
  std::string record;
  append_invitation_record(record, full_invitation());
  CHECK((CHECK_OK(decode_invitation(record)) == full_invitation()));
  check_every_damage(record, decode_invitation);
}

TEST_CASE(an_api_key_is_decoded_as_it_was_and_never_when_damaged) {
  std::string record;
  append_api_key_record(record, full_key());
  CHECK((CHECK_OK(decode_api_key(record, id_of(8))) == full_key()));
  check_every_damage(record, [](std::string_view bytes) { return decode_api_key(bytes, id_of(8)); });
}

TEST_CASE(references_are_decoded_as_they_were_and_never_when_damaged) {
  std::string record;
  append_account_reference(record, "acct_1");
  CHECK_EQ(CHECK_OK(decode_account_reference(record)), "acct_1");
  check_every_damage(record, decode_account_reference);
  record.clear();
  append_api_key_reference(record, {"anna", id_of(3)});
  const ApiKeyReference found = CHECK_OK(decode_api_key_reference(record));
  CHECK_EQ(found.user, "anna");
  CHECK((found.id == id_of(3)));
  check_every_damage(record, decode_api_key_reference);
}

TEST_CASE(values_that_no_version_has_are_refused_though_the_checksum_is_right) {
  Account account = full_account();
  account.role = static_cast<AccountRole>(3);
  std::string record;
  append_account_record(record, account);
  CHECK_FAILS(decode_account(record, "acct_1"), Code::corrupt);
  account = full_account();
  account.state = static_cast<AccountState>(0);
  record.clear();
  append_account_record(record, account);
  CHECK_FAILS(decode_account(record, "acct_1"), Code::corrupt);
  Login login = full_login();
  login.generation = 0;
  record.clear();
  append_login_record(record, login);
  CHECK_FAILS(decode_login(record, login.id), Code::corrupt);
  ApiKey key = full_key();
  key.scopes = 4;
  record.clear();
  append_api_key_record(record, key);
  CHECK_FAILS(decode_api_key(record, key.id), Code::corrupt);
  Invitation invitation = full_invitation();
  invitation.role = static_cast<AccountRole>(0);
  record.clear();
  append_invitation_record(record, invitation);
  CHECK_FAILS(decode_invitation(record), Code::corrupt);
  record.clear();
  append_account_reference(record, "");
  CHECK_FAILS(decode_account_reference(record), Code::corrupt);
  record.clear();
  append_api_key_reference(record, {"", id_of(1)});
  CHECK_FAILS(decode_api_key_reference(record), Code::corrupt);
}

TEST_CASE(a_row_of_identity_is_checked_by_the_kind_of_its_key) {
  std::string account;
  append_account_record(account, full_account());
  std::string login;
  append_login_record(login, full_login());
  std::string login_key;
  append_login_key(login_key, "ab", id_of(7));
  const std::string account_key(
      "\x02"
      "ab");
  CHECK_OK(check_row(Family::accounts, account_key, account));
  CHECK_OK(check_row(Family::accounts, login_key, login));
  CHECK_FAILS(check_row(Family::accounts, account_key, login), Code::corrupt);
  CHECK_FAILS(check_row(Family::accounts, login_key, account), Code::corrupt);
}
