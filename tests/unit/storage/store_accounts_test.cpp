// Accounts, logins, invitations and API keys: what each command does, refuses and leaves alone, and that all of it is
// there after the store was opened again.
#include "storage/verify.h"
#include "storage/waiting_operation.h"
#include "tests/support/ids.h"
#include "tests/unit/storage/verify_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

constexpr int64_t kDayUs = int64_t{24} * 3600 * 1'000'000;

using bobbin::test::id_of;

SecretHash hash_of(uint8_t fill) {
  SecretHash hash;
  hash.fill(fill);
  return hash;
}

CreateAccount account_of(const std::string& id, AccountRole role = AccountRole::user) {
  CreateAccount command;
  command.account = {
      .id = id, .email = id + "@example.org", .password_hash = "$hash$" + id, .role = role, .created_us = 1};
  return command;
}

Account make(Fixture& f, const std::string& id, AccountRole role = AccountRole::user) {
  return *std::get<AccountDone>(CHECK_OK(f.store->execute(account_of(id, role)))).account;
}

std::optional<Account> find(Fixture& f, const std::string& id) {
  return CHECK_OK(f.store->accounts().find_account(id, Tier::any));
}

StartLogin login_of(const std::string& account, uint8_t fill) {
  const int64_t now_us = fake_wall();
  return {account, {.id = id_of(fill), .created_us = now_us, .rotated_us = now_us, .expires_us = now_us + kDayUs}};
}

Result<Reply> refresh(Fixture& f, const std::string& account, uint8_t fill, uint64_t generation) {
  return f.store->execute(RefreshLogin{account, id_of(fill), generation, fake_wall() + kDayUs});
}

Refreshed refreshed(Fixture& f, const std::string& account, uint8_t fill, uint64_t generation) {
  return std::get<Refreshed>(CHECK_OK(refresh(f, account, fill, generation)));
}

size_t login_count(Fixture& f, const std::string& account) {
  return CHECK_OK(f.store->accounts().list_logins(account, Tier::any)).size();
}

PutApiKey key_of(const std::string& user, uint8_t fill) {
  PutApiKey command{user, {.id = id_of(fill), .name = "laptop", .prefix = "bob_x", .scopes = key_scopes::kRead}};
  command.key.hash = hash_of(fill);
  return command;
}

std::vector<std::string> account_ids(Fixture& f, const std::string& after, size_t limit) {
  std::vector<std::string> ids;
  for (const Account& account : CHECK_OK(f.store->accounts().list_accounts(after, limit, Tier::any)))
    ids.push_back(account.id);
  return ids;
}

void check_sound(Fixture& f) { check_clean(CHECK_OK(f.store->verify({}, no_watch))); }

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE(an_account_is_found_by_id_and_address_also_after_a_restart) {
  Fixture f;
  const uint64_t sequence = f.store->state().last_sequence;
  const Account made = make(f, "acct_a", AccountRole::admin);
  f.reopen();
  CHECK((find(f, "acct_a") == made));
  CHECK((CHECK_OK(f.store->accounts().find_account_by_email("acct_a@example.org", Tier::any)) == made));
  CHECK(!find(f, "acct_b") && !find(f, "") && !find(f, std::string(129, 'a')));
  CHECK(!CHECK_OK(f.store->accounts().find_account_by_email("b@example.org", Tier::any)));
  CHECK(!CHECK_OK(f.store->accounts().find_account_by_email("", Tier::any)));
  CHECK_EQ(f.store->state().last_sequence, sequence);
  check_sound(f);
}

TEST_CASE(an_address_or_id_that_is_taken_makes_no_second_account) {
  Fixture f;
  make(f, "acct_a");
  CreateAccount same_email = account_of("acct_b");
  same_email.account.email = "acct_a@example.org";
  CHECK_FAILS(f.store->execute(same_email), Code::busy);
  CreateAccount same_id = account_of("acct_a");
  same_id.account.email = "other@example.org";
  CHECK_FAILS(f.store->execute(same_id), Code::busy);
  CHECK((account_ids(f, "", 10) == Strings{"acct_a"}));
}

TEST_CASE(two_that_register_the_same_address_at_once_make_one_account) {
  Fixture f;
  CreateAccount second = account_of("acct_b");
  second.account.email = "acct_a@example.org";
  Plug plug(*f.store);
  WaitingOperation one(account_of("acct_a"));
  WaitingOperation two(second);
  CHECK_OK(f.store->submit(one));
  CHECK_OK(f.store->submit(two));
  plug.release();
  CHECK_OK(one.wait());
  CHECK_FAILS(two.wait(), Code::busy);
}

TEST_CASE(sizes_are_checked_before_anything_is_written) {
  Fixture f;
  for (const auto& spoil : std::vector<void (*)(Account&)>{
           [](Account& a) { a.id.clear(); }, [](Account& a) { a.id.assign(129, 'a'); },
           [](Account& a) { a.email.clear(); }, [](Account& a) { a.email.assign(129, 'a'); },
           [](Account& a) { a.password_hash.clear(); }, [](Account& a) { a.password_hash.assign(257, 'a'); }}) {
    CreateAccount command = account_of("acct_a");
    spoil(command.account);
    CHECK_FAILS(f.store->execute(command), Code::invalid);
  }
  make(f, "acct_a");
  CHECK_FAILS(f.store->execute(ChangeAccount{.account = "acct_a", .password_hash = std::string()}), Code::invalid);
  CHECK_FAILS(f.store->execute(ChangeAccount{.account = ""}), Code::invalid);
  PutApiKey key = key_of("u", 1);
  key.key.name.assign(129, 'n');
  CHECK_FAILS(f.store->execute(key), Code::invalid);
  key = key_of("u", 1);
  key.key.scopes = 0;
  CHECK_FAILS(f.store->execute(key), Code::invalid);
  key = key_of("", 1);
  CHECK_FAILS(f.store->execute(key), Code::invalid);
}

TEST_CASE(the_first_admin_is_made_once) {
  Fixture f;
  make(f, "acct_user");
  CHECK(!CHECK_OK(f.store->accounts().has_admin(Tier::any)));
  CreateAccount first = account_of("acct_a", AccountRole::admin);
  first.only_first_admin = true;
  CHECK_OK(f.store->execute(first));
  CHECK(CHECK_OK(f.store->accounts().has_admin(Tier::any)));
  CreateAccount second = account_of("acct_b", AccountRole::admin);
  second.only_first_admin = true;
  CHECK_FAILS(f.store->execute(second), Code::forbidden);
}

TEST_CASE(an_invitation_makes_one_account_with_its_role_before_its_time_is_over) {
  Fixture f;
  const int64_t now_us = fake_wall();
  const Invitation invitation{
      .id = id_of(1), .role = AccountRole::admin, .created_by = "host", .expires_us = now_us + kDayUs};
  CHECK_OK(f.store->execute(PutInvitation{hash_of(1), invitation}));
  f.reopen();
  CHECK((CHECK_OK(f.store->accounts().find_invitation(hash_of(1), Tier::any)) == invitation));
  CHECK_EQ(CHECK_OK(f.store->accounts().list_invitations(Tier::any)).size(), size_t{1});
  check_sound(f);
  CreateAccount command = account_of("acct_a");
  command.invitation = hash_of(2);
  CHECK_FAILS(f.store->execute(command), Code::forbidden);
  command.invitation = hash_of(1);
  CHECK_OK(f.store->execute(command));
  CHECK((find(f, "acct_a")->role == AccountRole::admin));
  CreateAccount again = account_of("acct_b");
  again.invitation = hash_of(1);
  CHECK_FAILS(f.store->execute(again), Code::forbidden);

  Invitation late = invitation;
  late.expires_us = now_us;
  CHECK_OK(f.store->execute(PutInvitation{hash_of(3), late}));
  again.invitation = hash_of(3);
  CHECK_FAILS(f.store->execute(again), Code::forbidden);
  CHECK(!find(f, "acct_b"));
  // The next one sweeps it away.
  CHECK_OK(f.store->execute(PutInvitation{hash_of(4), {.id = id_of(4), .expires_us = now_us + kDayUs}}));
  CHECK(!CHECK_OK(f.store->accounts().find_invitation(hash_of(3), Tier::any)));
  CHECK_FAILS(f.store->execute(DeleteInvitation{id_of(9)}), Code::not_found);
  CHECK_OK(f.store->execute(DeleteInvitation{id_of(4)}));
  CHECK(CHECK_OK(f.store->accounts().list_invitations(Tier::any)).empty());
}

TEST_CASE(an_invitation_is_good_for_as_long_as_who_made_it_is_an_admin) {
  Fixture f;
  make(f, "acct_a", AccountRole::admin);
  make(f, "acct_b", AccountRole::admin);
  const Invitation invitation{
      .id = id_of(1), .role = AccountRole::admin, .created_by = "acct_b", .expires_us = fake_wall() + kDayUs};
  CHECK_OK(f.store->execute(PutInvitation{hash_of(1), invitation}));
  CreateAccount command = account_of("acct_c");
  command.invitation = hash_of(1);
  CHECK_OK(f.store->execute(ChangeAccount{.account = "acct_b", .role = AccountRole::user}));
  CHECK_FAILS(f.store->execute(command), Code::forbidden);
  CHECK_OK(f.store->execute(ChangeAccount{.account = "acct_b", .role = AccountRole::admin}));
  CHECK_OK(f.store->execute(ChangeAccount{.account = "acct_b", .state = AccountState::blocked}));
  CHECK_FAILS(f.store->execute(command), Code::forbidden);
  CHECK_OK(f.store->execute(DeleteAccount{"acct_b"}));
  CHECK_FAILS(f.store->execute(command), Code::forbidden);
  CHECK(!find(f, "acct_c"));
}

TEST_CASE(what_was_judged_before_an_account_changed_comes_to_nothing) {
  Fixture f;
  const int64_t epoch = make(f, "acct_a").tokens_valid_from_us;
  CHECK_OK(
      f.store->execute(ChangeAccount{.account = "acct_a", .epoch = epoch, .password_hash = "new", .end_logins = true}));
  CHECK_FAILS(f.store->execute(ChangeAccount{.account = "acct_a", .epoch = epoch, .password_hash = "late"}),
              Code::unauthorized);
  StartLogin late = login_of("acct_a", 1);
  late.epoch = epoch;
  CHECK_FAILS(f.store->execute(late), Code::unauthorized);
  CHECK_EQ(find(f, "acct_a")->password_hash, "new");
  CHECK_EQ(login_count(f, "acct_a"), size_t{0});
  late.epoch = find(f, "acct_a")->tokens_valid_from_us;
  CHECK_OK(f.store->execute(late));
}

TEST_CASE(nothing_is_kept_for_an_account_that_is_gone) {
  Fixture f;
  make(f, "acct_a");
  CHECK_OK(f.store->execute(key_of("acct_a", 1)));
  Plug plug(*f.store);
  WaitingOperation removal(DeleteAccount{"acct_a"});
  WaitingOperation setting(ChangeSetting{"acct_a", "theme", "\"dark\""});
  WaitingOperation key(key_of("acct_a", 2));
  CHECK_OK(f.store->submit(removal));
  CHECK_OK(f.store->submit(setting));
  CHECK_OK(f.store->submit(key));
  plug.release();
  CHECK_OK(removal.wait());
  CHECK_FAILS(setting.wait(), Code::not_found);
  CHECK_FAILS(key.wait(), Code::not_found);
  CHECK(!CHECK_OK(f.store->read_setting("acct_a", "theme", Tier::any)));
  CHECK(CHECK_OK(f.store->accounts().list_api_keys("acct_a", Tier::any)).empty());
}

TEST_CASE(an_address_that_is_taken_leaves_the_invitation_open) {
  Fixture f;
  make(f, "acct_a");
  const Invitation invitation{.id = id_of(1), .expires_us = fake_wall() + kDayUs};
  CHECK_OK(f.store->execute(PutInvitation{hash_of(1), invitation}));
  CreateAccount command = account_of("acct_b");
  command.account.email = "acct_a@example.org";
  command.invitation = hash_of(1);
  CHECK_FAILS(f.store->execute(command), Code::busy);
  CHECK(CHECK_OK(f.store->accounts().find_invitation(hash_of(1), Tier::any)).has_value());
}

TEST_CASE(the_last_admin_stays) {
  Fixture f;
  make(f, "acct_a", AccountRole::admin);
  make(f, "acct_b");
  CHECK_FAILS(f.store->execute(ChangeAccount{.account = "acct_a", .role = AccountRole::user}), Code::busy);
  CHECK_FAILS(f.store->execute(ChangeAccount{.account = "acct_a", .state = AccountState::blocked}), Code::busy);
  CHECK_FAILS(f.store->execute(DeleteAccount{"acct_a"}), Code::busy);
  CHECK_OK(f.store->execute(ChangeAccount{.account = "acct_b", .role = AccountRole::admin}));
  CHECK_OK(f.store->execute(ChangeAccount{.account = "acct_a", .state = AccountState::blocked}));
  CHECK_FAILS(f.store->execute(DeleteAccount{"acct_b"}), Code::busy);
  CHECK_OK(f.store->execute(DeleteAccount{"acct_a"}));
  CHECK_FAILS(f.store->execute(DeleteAccount{"acct_a"}), Code::not_found);
  CHECK_FAILS(f.store->execute(ChangeAccount{.account = "acct_a"}), Code::not_found);
}

TEST_CASE(a_token_is_good_once_and_its_predecessor_for_a_moment) {
  Fixture f;
  make(f, "acct_a");
  CHECK_OK(f.store->execute(login_of("acct_a", 1)));
  CHECK_EQ(refreshed(f, "acct_a", 1, 1).generation, uint64_t{2});
  f.reopen();
  const Refreshed other_tab = refreshed(f, "acct_a", 1, 1);
  CHECK((other_tab.outcome == Refreshed::Outcome::grace));
  CHECK_EQ(other_tab.generation, uint64_t{2});
  const Refreshed next = refreshed(f, "acct_a", 1, 2);
  CHECK((next.outcome == Refreshed::Outcome::rotated));
  CHECK_EQ(next.generation, uint64_t{3});
  CHECK_FAILS(refresh(f, "acct_a", 2, 1), Code::not_found);
  CHECK_FAILS(refresh(f, "acct_b", 1, 3), Code::not_found);
  check_sound(f);
}

TEST_CASE(an_old_token_ends_the_login_it_belongs_to_and_no_other) {
  Fixture f;
  make(f, "acct_a");
  CHECK_OK(f.store->execute(login_of("acct_a", 1)));
  CHECK_OK(f.store->execute(login_of("acct_a", 2)));
  refreshed(f, "acct_a", 1, 1);
  refreshed(f, "acct_a", 1, 2);
  CHECK((refreshed(f, "acct_a", 1, 1).outcome == Refreshed::Outcome::reused));
  CHECK_FAILS(refresh(f, "acct_a", 1, 3), Code::not_found);
  CHECK_EQ(login_count(f, "acct_a"), size_t{1});
  CHECK_EQ(refreshed(f, "acct_a", 2, 1).generation, uint64_t{2});
  // One that was never given out is no better.
  CHECK((refreshed(f, "acct_a", 2, 9).outcome == Refreshed::Outcome::reused));
}

TEST_CASE(the_moment_of_grace_is_ten_seconds) {
  Fixture f;
  make(f, "acct_a");
  CHECK_OK(f.store->execute(login_of("acct_a", 1)));
  refreshed(f, "acct_a", 1, 1);
  advance_us(kRefreshGraceUs);
  CHECK((refreshed(f, "acct_a", 1, 1).outcome == Refreshed::Outcome::grace));
  advance_us(1);
  CHECK((refreshed(f, "acct_a", 1, 1).outcome == Refreshed::Outcome::reused));
}

TEST_CASE(a_login_ends_at_its_time_and_each_refresh_moves_it) {
  Fixture f;
  make(f, "acct_a");
  CHECK_OK(f.store->execute(login_of("acct_a", 1)));
  advance_us(kDayUs - 1);
  refreshed(f, "acct_a", 1, 1);
  advance_us(kDayUs - 1);
  refreshed(f, "acct_a", 1, 2);
  advance_us(kDayUs);
  CHECK_FAILS(refresh(f, "acct_a", 1, 3), Code::not_found);
  // The next device that signs in sweeps it away.
  CHECK_OK(f.store->execute(login_of("acct_a", 2)));
  CHECK_EQ(login_count(f, "acct_a"), size_t{1});
}

TEST_CASE(past_so_many_devices_the_one_unused_for_longest_is_signed_out) {
  Fixture f;
  make(f, "acct_a");
  for (size_t i = 1; i <= kLoginsMax; ++i) {
    CHECK_OK(f.store->execute(login_of("acct_a", static_cast<uint8_t>(i))));
    advance_us(1);
  }
  refreshed(f, "acct_a", 1, 1);
  CHECK_OK(f.store->execute(login_of("acct_a", 200)));
  CHECK_EQ(login_count(f, "acct_a"), kLoginsMax);
  CHECK(CHECK_OK(f.store->accounts().find_login("acct_a", id_of(1), Tier::any)).has_value());
  CHECK(!CHECK_OK(f.store->accounts().find_login("acct_a", id_of(2), Tier::any)).has_value());
}

TEST_CASE(logging_out_everywhere_ends_every_login_and_moves_the_epoch) {
  Fixture f;
  make(f, "acct_a");
  make(f, "acct_b");
  for (const uint8_t fill : std::initializer_list<uint8_t>{1, 2, 3})
    CHECK_OK(f.store->execute(login_of("acct_a", fill)));
  CHECK_OK(f.store->execute(login_of("acct_b", 1)));
  CHECK_OK(f.store->execute(EndLogin{"acct_a", id_of(2)}));
  CHECK_OK(f.store->execute(EndLogin{"acct_a", id_of(2)}));
  CHECK_EQ(login_count(f, "acct_a"), size_t{2});
  CHECK_OK(f.store->execute(ChangeAccount{.account = "acct_a", .password_hash = "new", .end_logins = true}));
  CHECK_EQ(login_count(f, "acct_a"), size_t{0});
  CHECK_EQ(login_count(f, "acct_b"), size_t{1});
  const int64_t first = find(f, "acct_a")->tokens_valid_from_us;
  CHECK_EQ(first, fake_wall());
  CHECK_EQ(find(f, "acct_a")->password_hash, "new");
  // Also at the same time, and when the clock steps back, it moves on.
  CHECK_OK(f.store->execute(ChangeAccount{.account = "acct_a", .end_logins = true}));
  CHECK_EQ(find(f, "acct_a")->tokens_valid_from_us, first + 1);
}

TEST_CASE(a_blocked_account_signs_nobody_in) {
  Fixture f;
  make(f, "acct_a");
  CHECK_OK(f.store->execute(login_of("acct_a", 1)));
  CHECK_OK(f.store->execute(ChangeAccount{.account = "acct_a", .state = AccountState::blocked}));
  CHECK_FAILS(f.store->execute(login_of("acct_a", 2)), Code::forbidden);
  CHECK_FAILS(refresh(f, "acct_a", 1, 1), Code::forbidden);
  CHECK_FAILS(f.store->execute(login_of("acct_none", 2)), Code::not_found);
}

TEST_CASE(a_deleted_account_leaves_nothing_behind) {
  Fixture f;
  make(f, "acct_a");
  make(f, "acct_b");
  for (const std::string user : {"acct_a", "acct_b"}) {
    CHECK_OK(f.store->execute(login_of(user, 1)));
    CHECK_OK(f.store->execute(key_of(user, user == "acct_a" ? 1 : 2)));
    CHECK_OK(f.store->execute(ChangeSetting{user, "theme", "\"dark\""}));
  }
  CHECK_OK(f.store->execute(DeleteAccount{"acct_a"}));
  f.reopen();
  CHECK(!find(f, "acct_a"));
  CHECK(!CHECK_OK(f.store->accounts().find_account_by_email("acct_a@example.org", Tier::any)));
  CHECK_EQ(login_count(f, "acct_a"), size_t{0});
  CHECK(!CHECK_OK(f.store->accounts().find_api_key(hash_of(1), Tier::any)));
  CHECK(!CHECK_OK(f.store->read_setting("acct_a", "theme", Tier::any)));
  CHECK_EQ(login_count(f, "acct_b"), size_t{1});
  CHECK(CHECK_OK(f.store->accounts().find_api_key(hash_of(2), Tier::any)).has_value());
  CHECK(CHECK_OK(f.store->read_setting("acct_b", "theme", Tier::any)).has_value());
  check_sound(f);
  make(f, "acct_a");
}

TEST_CASE(accounts_are_listed_by_id_in_pages_without_what_belongs_to_them) {
  Fixture f;
  for (const std::string id : {"acct_c", "acct_a", "acct_b"}) {
    make(f, id);
    CHECK_OK(f.store->execute(login_of(id, 1)));
  }
  CHECK((account_ids(f, "", 2) == Strings{"acct_a", "acct_b"}));
  CHECK((account_ids(f, "acct_b", 2) == Strings{"acct_c"}));
  CHECK((account_ids(f, "acct_c", 2) == Strings{}));
  CHECK_FAILS(f.store->accounts().list_accounts("", 2, Tier::memory_only), Code::would_block);
  CHECK_FAILS(f.store->accounts().list_accounts(std::string(129, 'a'), 2, Tier::any), Code::malformed);
}

TEST_CASE(an_api_key_is_found_by_its_hash_until_its_owner_deletes_it) {
  Fixture f;
  CHECK_OK(f.store->execute(key_of("anna", 1)));
  CHECK_OK(f.store->execute(key_of("anna", 2)));
  CHECK_OK(f.store->execute(key_of("bert", 3)));
  f.reopen();
  const auto found = CHECK_OK(f.store->accounts().find_api_key(hash_of(1), Tier::any));
  CHECK_EQ(found->user, "anna");
  CHECK((found->key == key_of("anna", 1).key));
  CHECK_EQ(CHECK_OK(f.store->accounts().list_api_keys("anna", Tier::any)).size(), size_t{2});
  CHECK_FAILS(f.store->execute(DeleteApiKey{"bert", id_of(1)}), Code::not_found);
  CHECK_OK(f.store->execute(TouchApiKey{"anna", id_of(1), 77}));
  CHECK_OK(f.store->execute(TouchApiKey{"anna", id_of(1), 76}));
  CHECK_EQ(CHECK_OK(f.store->accounts().find_api_key(hash_of(1), Tier::any))->key.last_used_us, int64_t{77});
  CHECK_OK(f.store->execute(DeleteApiKey{"anna", id_of(1)}));
  CHECK(!CHECK_OK(f.store->accounts().find_api_key(hash_of(1), Tier::any)));
  CHECK_OK(f.store->execute(TouchApiKey{"anna", id_of(1), 78}));
  CHECK_EQ(CHECK_OK(f.store->accounts().list_api_keys("anna", Tier::any)).size(), size_t{1});
  check_sound(f);
}

TEST_CASE(a_user_has_so_many_api_keys_and_no_more) {
  Fixture f;
  for (size_t i = 1; i <= kApiKeysMax; ++i) CHECK_OK(f.store->execute(key_of("anna", static_cast<uint8_t>(i))));
  CHECK_FAILS(f.store->execute(key_of("anna", 200)), Code::queue_full);
  CHECK_OK(f.store->execute(key_of("bert", 200)));
}
