// Reading: pages joined are the whole, branches, isolation of users, tiers.
#include "tests/unit/storage/store_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

Submitted branch(Fixture& f, const std::string& content, std::optional<Uuid> parent) {
  Submit command;
  command.user = "u";
  command.thread = "t";
  command.content = content;
  command.created_us = fake_wall();
  command.parent = parent;
  return CHECK_OK(f.submit(std::move(command)));
}

ThreadSummary summary_of(Fixture& f, const std::string& thread) {
  return *CHECK_OK(f.store->find_thread("u", thread, Tier::any));
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE(pages_of_any_size_join_to_the_whole_history) {
  Fixture f;
  Strings expected;
  for (int i = 0; i < 23; ++i) {
    f.turn("u", "t", "q" + std::to_string(i), "a" + std::to_string(i));
    f.turn("u", "t2", "other", "other");
    expected.push_back("q" + std::to_string(i));
    expected.push_back("a" + std::to_string(i));
  }
  for (const uint32_t limit : {1u, 2u, 3u, 7u, 45u, 46u, 47u, 1000u}) CHECK(f.history("u", "t", limit) == expected);
  const HistoryPage whole = f.page("u", "t", 46);
  CHECK(!whole.next);
  CHECK_EQ(whole.message_count, 46u);
  CHECK(f.page("u", "t", 45).next.has_value());
}

TEST_CASE(older_pages_do_not_move_when_messages_are_added) {
  Fixture f;
  for (int i = 0; i < 5; ++i) f.turn("u", "t", "q" + std::to_string(i), "a" + std::to_string(i));
  Strings seen;
  std::optional<HistoryCursor> cursor;
  do {
    const HistoryPage page = f.page("u", "t", 3, cursor);
    for (const MessageView& message : page.messages) seen.emplace(seen.begin(), message.content);
    cursor = page.next;
    f.turn("u", "t", "late", "late");
  } while (cursor);
  CHECK((seen == Strings{"q0", "a0", "q1", "a1", "q2", "a2", "q3", "a3", "q4", "a4"}));
}

TEST_CASE(a_page_ends_at_its_bytes_but_has_one_row) {
  Fixture f;
  for (int i = 0; i < 4; ++i) f.turn("u", "t", std::string(1000, 'q'), std::string(1000, 'a'));
  const auto read = [&](size_t bytes_max) {
    return CHECK_OK(f.store->read_history(
        {.user = "u", .thread = "t", .limit = 100, .bytes_max = bytes_max, .cursor = {}}, Tier::any));
  };
  CHECK_EQ(read(1).messages.size(), size_t{1});
  CHECK_EQ(read(3500).messages.size(), size_t{3});
  CHECK(read(3500).next.has_value());
  CHECK_EQ(read(1'000'000).messages.size(), size_t{8});
  const auto list =
      CHECK_OK(f.store->list_sessions({.user = "u", .limit = 9, .bytes_max = 1, .cursor = {}}, Tier::any));
  CHECK_EQ(list.sessions.size(), size_t{1});
}

TEST_CASE(a_branch_hides_the_one_it_leaves) {
  Fixture f;
  f.turn("u", "t", "q1", "a1");
  const Uuid a1 = f.page("u", "t").messages[0].id;
  f.turn("u", "t", "q2", "a2");
  f.turn("u", "t", "q3", "a3");
  CHECK_EQ(summary_of(f, "t").flags & thread_flags::kBranched, 0u);
  f.finish(*branch(f, "q2b", a1).run, "a2b");
  CHECK((f.history("u", "t", 1) == Strings{"q1", "a1", "q2b", "a2b"}));
  const ThreadSummary summary = summary_of(f, "t");
  CHECK(summary.flags & thread_flags::kBranched);
  CHECK_EQ(summary.message_count, 4u);
  CHECK_EQ(summary.total_messages, uint64_t{8});
  CHECK_EQ(summary.preview, "a2b");
  f.turn("u", "t", "q3b", "a3b");
  CHECK((f.history("u", "t", 2) == Strings{"q1", "a1", "q2b", "a2b", "q3b", "a3b"}));
  CHECK_EQ(CHECK_OK(f.delete_thread("u", "t")).messages, uint64_t{10});
}

TEST_CASE(a_branch_at_the_root_is_a_history_of_its_own) {
  Fixture f;
  f.turn("u", "t", "q1", "a1");
  f.finish(*branch(f, "q1b", Uuid{}).run, "a1b");
  CHECK((f.history("u", "t") == Strings{"q1b", "a1b"}));
  CHECK_EQ(f.page("u", "t").message_count, 2u);
  CHECK_EQ(summary_of(f, "t").title, "q1");
}

TEST_CASE(a_branch_far_back_is_found_by_seeking) {
  Fixture f;
  f.turn("u", "t", "q0", "a0");
  const Uuid a0 = f.page("u", "t").messages[0].id;
  for (int i = 0; i < 40; ++i) f.turn("u", "t", "q", "a");
  f.finish(*branch(f, "qb", a0).run, "ab");
  for (const uint32_t limit : {1u, 2u, 3u, 100u})
    CHECK((f.history("u", "t", limit) == Strings{"q0", "a0", "qb", "ab"}));
}

TEST_CASE(a_cursor_stays_on_its_branch) {
  Fixture f;
  for (int i = 0; i < 3; ++i) f.turn("u", "t", "q" + std::to_string(i), "a" + std::to_string(i));
  const Uuid a0 = f.page("u", "t").messages[4].id;
  const auto cursor = f.page("u", "t", 2).next;
  f.finish(*branch(f, "qb", a0).run, "ab");
  const HistoryPage old_branch = f.page("u", "t", 100, cursor);
  CHECK_EQ(old_branch.messages.size(), size_t{4});
  CHECK_EQ(old_branch.messages[0].content, "a1");
}

TEST_CASE(a_queued_branch_starts_where_it_was_asked_to) {
  Fixture f;
  f.turn("u", "t", "q1", "a1");
  const Uuid a1 = f.page("u", "t").messages[0].id;
  const StartedRun run = *f.submit("u", "t", "q2").run;
  CHECK(branch(f, "q2b", a1).state == Submitted::State::queued);
  CHECK(branch(f, "root", Uuid{}).state == Submitted::State::queued);
  f.reopen();  // the parents are in the queue, not only in memory
  CHECK_EQ(CHECK_OK(f.store->find_run("u", "t", run.run_id, Tier::any))->terminal_event_id, uint64_t{2});
  StartedRun next = *std::get<StartedNext>(CHECK_OK(f.store->execute(StartNext{"u", "t"}))).run;
  next = *f.finish(next, "a2b").next;
  CHECK((f.history("u", "t") == Strings{"root"}));
  CHECK_EQ(f.page("u", "t").messages[0].depth, 1u);
  CHECK_EQ(next.content, "root");
}

TEST_CASE(a_started_run_says_what_it_follows) {
  Fixture f;
  // The run's place is what its stored message has, and what the page before it ended with.
  const auto check = [&](const StartedRun& run, uint32_t depth, uint64_t parent) {
    CHECK_EQ(run.user_depth, depth);
    CHECK_EQ(run.parent_order, parent);
    const HistoryPage page = f.page("u", "t");
    CHECK(page.messages[0].id == run.user_message_id);
    CHECK_EQ(page.messages[0].depth, depth);
    CHECK_EQ(page.messages[0].parent_order, parent);
    CHECK_EQ(page.messages.size(), size_t{depth});
  };
  StartedRun run = *f.submit("u", "t", "q1").run;
  check(run, 1, 0);
  f.submit("u", "t", "q2");
  const uint64_t a1 = run.answer_order;
  run = *f.finish(run, "a1").next;
  check(run, 3, a1);
  branch(f, "q1b", Uuid{});
  const Uuid first_answer = f.page("u", "t").messages[1].id;
  branch(f, "q2b", first_answer);
  f.submit("u", "t", "q3b");
  const uint64_t q2 = run.user_order;
  CHECK(!f.end_without_answer(run, RunOutcome::error, false).next);
  CHECK_EQ(f.page("u", "t").messages[0].order, q2);
  f.reopen();
  run = *std::get<StartedNext>(CHECK_OK(f.store->execute(StartNext{"u", "t"}))).run;
  check(run, 1, 0);
  run = *f.finish(run, "a1b").next;
  check(run, 3, a1);
  const uint64_t q2b = run.user_order;
  run = *f.end_without_answer(run, RunOutcome::error).next;
  check(run, 4, q2b);
}

TEST_CASE(an_unknown_parent_is_not_found) {
  Fixture f;
  const auto submit_with = [&](const std::string& thread, const Uuid& parent) {
    Submit command;
    command.user = "u";
    command.thread = thread;
    command.content = "x";
    command.parent = parent;
    return f.submit(std::move(command));
  };
  CHECK_FAILS(submit_with("new", make_uuid_v7(5)), Code::not_found);
  f.turn("u", "t", "q", "a");
  const Uuid known = f.page("u", "t").messages[0].id;
  Uuid same_stamp = known;
  same_stamp.bytes[15] ^= 1;
  CHECK_FAILS(submit_with("t", same_stamp), Code::not_found);
  CHECK_FAILS(submit_with("t", make_uuid_v4()), Code::not_found);
  CHECK_FAILS(submit_with("t2", known), Code::not_found);
  CHECK(!f.page("u", "t2").found);
  CHECK_OK(submit_with("t", known));
}

TEST_CASE(a_cursor_of_a_dead_incarnation_is_gone) {
  Fixture f;
  f.turn("u", "t", "q", "a");
  const auto cursor = f.page("u", "t", 1).next;
  CHECK_OK(f.delete_thread("u", "t"));
  CHECK(!f.page("u", "t", 1, cursor).found);
  f.turn("u", "t", "q", "a");
  CHECK_FAILS(
      f.store->read_history({.user = "u", .thread = "t", .limit = 1, .bytes_max = 1, .cursor = cursor}, Tier::any),
      Code::gone);
  HistoryCursor invented = *f.page("u", "t", 1).next;
  invented.position -= 1;
  CHECK_FAILS(
      f.store->read_history({.user = "u", .thread = "t", .limit = 1, .bytes_max = 1, .cursor = invented}, Tier::any),
      Code::malformed);
}

TEST_CASE(users_whose_ids_begin_alike_see_only_their_own) {
  Fixture f;
  const Strings users{"a",
                      "aa",
                      "ab",
                      "a|",
                      std::string("a\0", 2),
                      "\x01",
                      std::string("\x02") + "a",
                      std::string(128, 'a'),
                      std::string(127, 'a')};
  for (const std::string& user : users) {
    for (const std::string& thread : users) f.turn(user, thread, "of " + user, "in " + thread);
  }
  for (const std::string& user : users) {
    CHECK_EQ(f.sessions(user, 2).size(), users.size());
    for (const std::string& thread : users)
      CHECK((f.history(user, thread, 1) == Strings{"of " + user, "in " + thread}));
  }
  CHECK_OK(f.delete_thread("a", "a"));
  for (const std::string& user : users) {
    CHECK_EQ(f.sessions(user, 100).size(), users.size() - (user == "a" ? 1 : 0));
  }
  CHECK(f.sessions("nobody").empty());
}

TEST_CASE(unknown_things_are_empty_not_errors) {
  Fixture f;
  for (const std::string& id : {std::string("x"), std::string(), std::string(500, 'x')}) {
    CHECK(!f.page(id, "t").found);
    CHECK(!f.page("u", id).found);
    CHECK(f.sessions(id).empty());
    CHECK(!CHECK_OK(f.store->find_thread("u", id, Tier::any)));
    CHECK(CHECK_OK(f.store->read_queue("u", id, Tier::any)).empty());
    CHECK(!CHECK_OK(f.store->find_run("u", id, run_number(1), Tier::any)));
  }
}

// RocksDB before 8.5.2 may lose the status of a file that is not in memory, and pass over its rows: see Reader's View.
TEST_CASE(without_the_disk_single_rows_are_read_and_scans_are_refused) {
  Fixture f;
  f.turn("u", "t", "q", "a");
  const HistoryQuery history{.user = "u", .thread = "t", .limit = 50, .bytes_max = 1 << 20, .cursor = {}};
  const HistoryQuery unknown{.user = "u", .thread = "x", .limit = 50, .bytes_max = 1 << 20, .cursor = {}};
  CHECK_FAILS(f.store->read_history(history, Tier::memory_only), Code::would_block);
  CHECK_FAILS(f.store->list_sessions({.user = "u", .limit = 9, .bytes_max = 1 << 20, .cursor = {}}, Tier::memory_only),
              Code::would_block);
  CHECK_EQ(CHECK_OK(f.store->read_history(history, Tier::any)).messages.size(), size_t{2});
  CHECK(CHECK_OK(f.store->find_thread("u", "t", Tier::memory_only)).has_value());
  CHECK_EQ(CHECK_OK(f.store->read_history(unknown, Tier::memory_only)).found, false);
}
