// How long threads are kept: the thread, its user and the server may say it, and the shortest holds.
#include "storage/retention.h"
#include "tests/unit/storage/store_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

constexpr int64_t kDayUs = int64_t{kSecondsPerDay} * 1'000'000;

Submit temporary_submit(const std::string& thread, uint32_t keep_s) {
  Submit submit;
  submit.user = "u";
  submit.thread = thread;
  submit.content = "q";
  submit.keep_s = keep_s;
  return submit;
}

Result<Reply> set(Fixture& f, const std::string& user, const std::string& name, const std::string& json) {
  return f.store->execute(ChangeSetting{user, name, json});
}

std::string setting(Fixture& f, const std::string& user, const std::string& name) {
  return CHECK_OK(f.store->read_setting(user, name, Tier::any)).value_or("none");
}

}  // namespace

TEST_CASE(a_thread_goes_when_it_has_been_idle_for_as_long_as_it_is_kept) {
  Fixture f;
  Submit temporary;
  temporary.user = "u";
  temporary.thread = "temporary";
  temporary.content = "q";
  temporary.keep_s = 60;
  const Submitted made = CHECK_OK(f.submit(temporary));
  f.turn("u", "kept", "q", "a");
  advance_us(int64_t{600} * 1'000'000);
  CHECK_OK(f.store->keep_house());
  CHECK(f.page("u", "temporary").found);  // a run is active: it is in use
  f.finish(*made.run, "a");
  advance_us(int64_t{59} * 1'000'000);
  CHECK_OK(f.store->keep_house());
  CHECK(f.page("u", "temporary").found);
  advance_us(int64_t{2} * 1'000'000);
  CHECK_OK(f.store->keep_house());
  CHECK(!f.page("u", "temporary").found);
  CHECK((f.sessions("u") == std::vector<std::string>{"kept"}));
}

TEST_CASE(a_server_wide_age_limit_spares_what_was_used_since) {
  Fixture f(Fixture::Opened::later);
  f.options.keep_s = 3600;
  f.open();
  f.turn("u", "old", "q", "a");
  advance_us(int64_t{1800} * 1'000'000);
  f.turn("u", "young", "q", "a");
  advance_us(int64_t{2000} * 1'000'000);
  CHECK_OK(f.store->keep_house());
  CHECK((f.sessions("u") == std::vector<std::string>{"young"}));
}

TEST_CASE(the_shortest_limit_holds) {
  static_assert(shortest_keep_s(0, 0, 0) == 0);
  static_assert(shortest_keep_s(5, 0, 0) == 5 && shortest_keep_s(0, 5, 0) == 5 && shortest_keep_s(0, 0, 5) == 5);
  static_assert(shortest_keep_s(3, 5, 4) == 3 && shortest_keep_s(5, 3, 4) == 3 && shortest_keep_s(5, 4, 3) == 3);
  Fixture f(Fixture::Opened::later);
  f.options.keep_s = 3 * kSecondsPerDay;
  f.open();
  CHECK_OK(set(f, "u", "keep_days", "2"));
  CHECK_EQ(CHECK_OK(f.store->read_keep_s("u", Tier::any)), 2 * kSecondsPerDay);
  CHECK_EQ(CHECK_OK(f.store->read_keep_s("other", Tier::any)), 3 * kSecondsPerDay);
  for (const auto& [thread, days] : {std::pair<const char*, uint32_t>{"one", 1}, {"two", 0}, {"also two", 9}}) {
    const Submitted made = CHECK_OK(f.submit(temporary_submit(thread, days * kSecondsPerDay)));
    f.finish(*made.run, "a");
  }
  f.turn("other", "three", "q", "a");
  advance_us(kDayUs + 1);
  CHECK_OK(f.store->keep_house());
  CHECK((f.sessions("u") == std::vector<std::string>{"also two", "two"}));
  advance_us(kDayUs);
  CHECK_OK(f.store->keep_house());
  CHECK(f.sessions("u").empty());
  CHECK((f.sessions("other") == std::vector<std::string>{"three"}));
  advance_us(kDayUs);
  CHECK_OK(f.store->keep_house());
  CHECK(f.sessions("other").empty());
}

TEST_CASE(a_user_limit_that_was_taken_back_deletes_nothing) {
  Fixture f;
  f.turn("u", "t", "q", "a");
  CHECK_OK(set(f, "u", "keep_days", "1"));
  CHECK_OK(set(f, "u", "keep_days", ""));
  CHECK_EQ(CHECK_OK(f.store->read_keep_s("u", Tier::any)), 0u);
  advance_us(100 * kDayUs);
  CHECK_OK(f.store->keep_house());
  CHECK((f.sessions("u") == std::vector<std::string>{"t"}));
}

TEST_CASE(a_thread_keeps_the_limit_that_it_was_made_with) {
  Fixture f;
  const Submitted made = CHECK_OK(f.submit(temporary_submit("t", 60)));
  CHECK_FAILS(f.submit(temporary_submit("t", 61)), Code::invalid);  // while it is busy
  f.finish(*made.run, "a");
  CHECK_FAILS(f.submit(temporary_submit("t", 61)), Code::invalid);
  f.turn("u", "for ever", "q", "a");
  CHECK_FAILS(f.submit(temporary_submit("for ever", 60)), Code::invalid);
  CHECK_EQ(f.history("u", "for ever").size(), size_t{2});
  const Submitted again = CHECK_OK(f.submit(temporary_submit("t", 60)));
  f.finish(*again.run, "a");
  f.turn("u", "t", "q", "a");  // says nothing of it
  CHECK_EQ(CHECK_OK(f.store->find_thread("u", "t", Tier::any))->keep_s, 60u);
}

TEST_CASE(settings_are_rows_of_their_user_and_each_change_is_told) {
  Fixture f;
  CHECK_OK(set(f, "u", "theme", "\"dark\""));
  CHECK_OK(set(f, "u", "theme", "\"light\""));
  CHECK_OK(set(f, "u", "model", "\"m\""));
  CHECK_OK(set(f, "u", "model", ""));
  CHECK_OK(set(f, "v", "theme", "1"));
  f.reopen();
  CHECK_EQ(setting(f, "u", "theme"), "\"light\"");
  CHECK_EQ(setting(f, "u", "model"), "none");
  CHECK_EQ(setting(f, "v", "theme"), "1");
  CHECK_EQ(setting(f, "w", "theme"), "none");
  const FeedPage feed = CHECK_OK(f.store->read_feed("u", 0, 10));
  CHECK_EQ(feed.events.size(), size_t{4});
  for (const FeedEvent& event : feed.events) CHECK(event.operation == ChangeOperation::setting_changed);
  const ChangesPage changes = CHECK_OK(f.store->read_changes(0, 10, 100'000));
  CHECK_EQ(changes.changes.size(), size_t{5});
  CHECK(changes.changes[3].keys[0].what == ChangedKey::What::remove);
  CHECK(!CHECK_OK(f.store->read_row(changes.changes[0].keys[0])).has_value());  // followers do not see settings

  CHECK_FAILS(set(f, "", "theme", "1"), Code::invalid);
  CHECK_FAILS(set(f, "u", "", "1"), Code::invalid);
  CHECK_FAILS(set(f, "u", "no/slash", "1"), Code::invalid);
  CHECK_FAILS(set(f, "u", std::string(65, 'a'), "1"), Code::invalid);
  CHECK_FAILS(set(f, "u", "big", std::string(kSettingBytesMax + 1, '1')), Code::too_large);
  CHECK_OK(f.store->execute(DeleteUserThreads{"u"}));
  CHECK_EQ(setting(f, "u", "theme"), "\"light\"");
}

TEST_CASE(a_damaged_limit_is_an_error_and_deletes_nothing) {
  Fixture f;
  f.turn("u", "t", "q", "a");
  CHECK_OK(set(f, "u", "keep_days", "1"));
  for (const char* bad : {"0", "-1", "1.5", "\"1\"", "36501", "4294967297", "1 "}) {
    CHECK_OK(set(f, "u", "keep_days", bad));
    CHECK_FAILS(f.store->read_keep_s("u", Tier::any), Code::corrupt);
    advance_us(100 * kDayUs);
    CHECK_FAILS(f.store->keep_house(), Code::corrupt);
  }
  CHECK((f.sessions("u") == std::vector<std::string>{"t"}));
}
