// Titles that are not those of the first message: who may set one over which, and who is told.
#include "storage/verify.h"
#include "tests/unit/storage/store_fixture.h"
#include "tests/unit/storage/verify_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

SetTitle make_title(TitleBy by, const std::string& title, uint64_t incarnation = 0) {
  return {.user = "u", .thread = "t", .incarnation = incarnation, .title = title, .by = by};
}

bool set_title(Fixture& f, SetTitle command) {
  return std::get<TitleSet>(CHECK_OK(f.store->execute(std::move(command)))).applied;
}

ThreadSummary summary_of(Fixture& f, const std::string& thread = "t") {
  return CHECK_OK(f.store->find_thread("u", thread, Tier::any)).value();
}

std::string listed_title(Fixture& f) {
  const SessionsPage page = CHECK_OK(
      f.store->list_sessions({.user = "u", .limit = 10, .bytes_max = 1 << 20, .cursor = std::nullopt}, Tier::any));
  for (const ThreadSummary& session : page.sessions) {
    if (session.thread == "t") return session.title;
  }
  return "";
}

}  // namespace

TEST_CASE(the_models_title_takes_the_place_of_the_first_messages_once) {
  Fixture f;
  f.turn("u", "t", "question", "answer");
  const ThreadSummary before = summary_of(f);
  CHECK_EQ(before.title, "question");
  CHECK(set_title(f, make_title(TitleBy::model, "Better", before.incarnation)));
  const uint64_t sequence = f.store->state().last_sequence;
  // A second time nothing is written: neither the same nor another one.
  CHECK(!set_title(f, make_title(TitleBy::model, "Better", before.incarnation)));
  CHECK(!set_title(f, make_title(TitleBy::model, "Best", before.incarnation)));
  CHECK_EQ(f.store->state().last_sequence, sequence);
  f.reopen();
  const ThreadSummary after = summary_of(f);
  CHECK_EQ(after.title, "Better");
  CHECK_EQ(listed_title(f), "Better");
  CHECK_EQ(after.flags & thread_flags::kTitleOwn, thread_flags::kTitleMade);
  CHECK_EQ(after.updated_us, before.updated_us);
  CHECK_EQ(after.preview, before.preview);
}

TEST_CASE(a_users_title_is_never_replaced_by_the_models) {
  Fixture f;
  f.turn("u", "t", "question", "answer");
  CHECK(set_title(f, make_title(TitleBy::user, "mine")));
  CHECK(!set_title(f, make_title(TitleBy::model, "Better")));
  CHECK_EQ(summary_of(f).title, "mine");
  const uint64_t sequence = f.store->state().last_sequence;
  CHECK(!set_title(f, make_title(TitleBy::user, "mine")));
  CHECK_EQ(f.store->state().last_sequence, sequence);
  CHECK(set_title(f, make_title(TitleBy::user, "mine too")));
  CHECK_EQ(summary_of(f).title, "mine too");
}

TEST_CASE(a_user_renames_what_the_model_has_named) {
  Fixture f;
  f.turn("u", "t", "question", "answer");
  CHECK(set_title(f, make_title(TitleBy::model, "Better")));
  // The same words, but now they are the user's.
  CHECK(set_title(f, make_title(TitleBy::user, "Better")));
  CHECK_EQ(summary_of(f).flags & thread_flags::kTitleOwn, thread_flags::kTitleSet);
  CHECK(!set_title(f, make_title(TitleBy::model, "Best")));
  CHECK_EQ(listed_title(f), "Better");
}

TEST_CASE(both_in_one_group_leave_the_users) {
  for (const bool user_is_first : {true, false}) {
    Fixture f;
    f.turn("u", "t", "question", "answer");
    Plug plug(*f.store);
    struct Op final : Operation {
      using Operation::Operation;
      void on_committed(Result<Reply>) noexcept override {}
    };
    Op users(make_title(TitleBy::user, "mine"));
    Op models(make_title(TitleBy::model, "Better"));
    CHECK_OK(f.store->submit(user_is_first ? users : models));
    CHECK_OK(f.store->submit(user_is_first ? models : users));
    plug.release();
    f.reopen();
    CHECK_EQ(summary_of(f).title, "mine");
  }
}

TEST_CASE(no_thread_or_another_one_of_the_id_is_not_found) {
  Fixture f;
  CHECK_FAILS(f.store->execute(make_title(TitleBy::model, "Better", 1)), Code::not_found);
  CHECK_FAILS(f.store->execute(make_title(TitleBy::user, "mine")), Code::not_found);
  f.turn("u", "t", "question", "answer");
  const uint64_t dead = summary_of(f).incarnation;
  CHECK_OK(f.delete_thread("u", "t"));
  CHECK_FAILS(f.store->execute(make_title(TitleBy::model, "Better", dead)), Code::not_found);
  f.turn("u", "t", "another question", "answer");
  const uint64_t sequence = f.store->state().last_sequence;
  CHECK_FAILS(f.store->execute(make_title(TitleBy::model, "Better", dead)), Code::not_found);
  CHECK_EQ(f.store->state().last_sequence, sequence);
  CHECK_EQ(summary_of(f).title, "another question");
}

TEST_CASE(a_thread_made_again_has_the_title_of_its_own_first_message) {
  Fixture f;
  f.turn("u", "t", "question", "answer");
  CHECK(set_title(f, make_title(TitleBy::user, "mine")));
  CHECK_OK(f.delete_thread("u", "t"));
  f.turn("u", "t", "another question", "answer");
  CHECK_EQ(summary_of(f).title, "another question");
  CHECK(set_title(f, make_title(TitleBy::model, "Better")));
}

TEST_CASE(a_title_without_bytes_or_with_too_many_is_refused) {
  Fixture f;
  f.turn("u", "t", "question", "answer");
  CHECK_FAILS(f.store->execute(make_title(TitleBy::user, "")), Code::invalid);
  CHECK_FAILS(f.store->execute(make_title(TitleBy::user, std::string(kTitleBytesMax + 1, 'x'))), Code::invalid);
  CHECK(set_title(f, make_title(TitleBy::user, std::string(kTitleBytesMax, 'x'))));
}

TEST_CASE(followers_and_the_feed_are_told_with_the_threads_row) {
  Fixture f;
  f.turn("u", "t", "question", "answer");
  const uint64_t before = f.store->state().last_sequence;
  CHECK(set_title(f, make_title(TitleBy::model, "Better")));
  const FeedPage feed = CHECK_OK(f.store->read_feed("u", before, 10));
  CHECK_EQ(feed.events.size(), size_t{1});
  CHECK(feed.events[0].operation == ChangeOperation::thread_changed && feed.events[0].thread == "t");
  CHECK_EQ(feed.events[0].incarnation, summary_of(f).incarnation);
  CHECK(feed.events[0].run_id.is_zero());
  const ChangesPage changes = CHECK_OK(f.store->read_changes(before, 10, 1 << 20));
  CHECK_EQ(changes.changes.size(), size_t{1});
  CHECK_EQ(changes.changes[0].keys.size(), size_t{1});
  const auto row = CHECK_OK(f.store->read_row(changes.changes[0].keys[0]));
  CHECK_EQ(std::get<ThreadSummary>(row->row).title, "Better");
}

TEST_CASE(the_thread_keeps_its_place_in_the_list_and_its_run) {
  Fixture f;
  f.turn("u", "t", "question", "answer");
  f.turn("u", "newer", "question", "answer");
  const StartedRun run = *f.submit("u", "t", "second").run;
  f.turn("u", "newest", "question", "answer");
  CHECK(set_title(f, make_title(TitleBy::model, "Better")));
  CHECK((f.sessions("u") == std::vector<std::string>{"newest", "t", "newer"}));
  CHECK(summary_of(f).active_run == run.run_id);
  CHECK(f.finish(run, "second answer").applied);
  CHECK_EQ(summary_of(f).title, "Better");
  CHECK((f.sessions("u") == std::vector<std::string>{"t", "newest", "newer"}));
  // Its row in the list was overwritten in between: it is there once, also where it was.
  CHECK_OK(f.delete_thread("u", "t"));
  CHECK((f.sessions("u") == std::vector<std::string>{"newest", "newer"}));
  check_clean(CHECK_OK(f.store->verify({}, no_watch)));
}

TEST_CASE(what_was_titled_verifies) {
  Fixture f;
  f.turn("u", "t", "question", "answer");
  f.turn("u", "other", "question", "answer");
  CHECK(set_title(f, make_title(TitleBy::model, "Better")));
  CHECK_OK(f.store->execute(
      SetTitle{.user = "u", .thread = "other", .incarnation = 0, .title = "mine", .by = TitleBy::user}));
  check_clean(CHECK_OK(f.store->verify({}, no_watch)));
}
