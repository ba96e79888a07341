// Commands in one group: each sees what those before it did, one that fails disturbs nobody, and what is on disk
// afterwards is what the same commands do one by one. After each case the store is opened again: what the writer
// remembered must not matter.
#include "src/base/metrics.h"
#include "tests/unit/storage/store_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

using Strings = std::vector<std::string>;

class Member final : public Operation {
 public:
  using Operation::Operation;
  void on_committed(Result<Reply> result) noexcept override { reply = std::move(result); }
  std::optional<Result<Reply>> reply;
};

// Hands `commands` to the writer as one group and gives the replies.
std::vector<Result<Reply>> apply_together(Fixture& f, std::vector<Command> commands) {
  std::vector<std::unique_ptr<Member>> members;
  {
    Plug plug(*f.store);
    for (Command& command : commands) {
      members.push_back(std::make_unique<Member>(std::move(command)));
      CHECK_OK(f.store->submit(*members.back()));
    }
  }
  { const Plug after(*f.store); }  // the group before it is complete
  std::vector<Result<Reply>> replies;
  for (const auto& member : members) replies.push_back(std::move(*member->reply));
  return replies;
}

Submit make_submit(const std::string& thread, uint32_t run, const std::string& content) {
  Submit command;
  command.user = "u";
  command.thread = thread;
  command.run_id = run_number(run);
  command.content = content;
  return command;
}

FinishRun make_finish(const std::string& thread, uint64_t incarnation, uint32_t run, const std::string& answer) {
  FinishRun command;
  command.user = "u";
  command.thread = thread;
  command.incarnation = incarnation;
  command.run_id = run_number(run);
  command.answer.emplace().content = answer;
  return command;
}

Finished finished(const Result<Reply>& reply) { return std::get<Finished>(CHECK_OK(reply)); }

}  // namespace

TEST_CASE(a_thread_is_deleted_and_made_again_in_one_group) {
  Fixture f;
  f.turn("u", "t", "old", "old answer");
  f.turn("u", "other", "q", "a");
  const uint64_t sequence = f.store->state().last_sequence;  // 4
  const uint64_t commits = metrics::read(metrics::Counter::store_commits);
  const auto replies =
      apply_together(f, {make_submit("t", 101, "dies"), make_submit("t", 102, "dies waiting"), DeleteThread{"u", "t"},
                         make_submit("t", 103, "new"), make_finish("t", 1, 101, "ghost"),
                         make_finish("t", sequence + 4, 103, "answer"), make_submit("t", 104, "more"),
                         make_finish("t", sequence + 4, 104, "last")});
  CHECK_EQ(metrics::read(metrics::Counter::store_commits) - commits, uint64_t{1});
  CHECK_EQ(std::get<Deleted>(CHECK_OK(replies[2])).messages, uint64_t{3});
  CHECK_EQ(std::get<Deleted>(CHECK_OK(replies[2])).cancelled.size(), size_t{2});
  CHECK(std::get<Submitted>(CHECK_OK(replies[3])).thread_created);
  CHECK(!finished(replies[4]).applied);
  CHECK(finished(replies[5]).applied && finished(replies[7]).applied);
  for (int opened = 0; opened < 2; ++opened) {
    CHECK((f.history("u", "t") == Strings{"new", "answer", "more", "last"}));
    CHECK((f.sessions("u") == Strings{"t", "other"}));
    CHECK(CHECK_OK(f.store->unfinished_threads()).empty());
    CHECK(!CHECK_OK(f.store->find_run("u", "t", run_number(101), Tier::any)));
    CHECK(!CHECK_OK(f.store->find_run("u", "t", run_number(102), Tier::any)));
    CHECK_EQ(f.page("u", "t").incarnation, sequence + 4);
    f.reopen();
  }
}

TEST_CASE(a_thread_made_and_deleted_in_one_group_leaves_nothing) {
  Fixture f;
  f.turn("u", "other", "q", "a");
  const auto replies = apply_together(
      f, {make_submit("t", 101, "q"), make_submit("t", 102, "waits"), DeleteThread{"u", "t"}, DeleteThread{"u", "t"}});
  CHECK_OK(replies[2]);
  CHECK_FAILS(replies[3], Code::not_found);
  for (int opened = 0; opened < 2; ++opened) {
    CHECK(!f.page("u", "t").found);
    CHECK((f.sessions("u") == Strings{"other"}));
    CHECK(CHECK_OK(f.store->unfinished_threads()).empty());
    CHECK(CHECK_OK(f.store->read_queue("u", "t", Tier::any)).empty());
    f.reopen();
  }
}

TEST_CASE(all_threads_of_a_user_are_deleted_between_submits_of_one_group) {
  Fixture f;
  f.turn("u", "t", "old", "a");
  f.turn("v", "t", "of another", "a");
  auto replies =
      apply_together(f, {make_submit("t", 101, "dies"), make_submit("t2", 102, "dies"), make_submit("t2", 103, "waits"),
                         DeleteUserThreads{"u"}, make_submit("t2", 104, "new"), make_finish("t", 1, 101, "ghost"),
                         DeleteUserThreads{"nobody"}, make_submit("t2", 105, "next")});
  const Deleted deleted = std::get<Deleted>(CHECK_OK(replies[3]));
  CHECK_EQ(deleted.sessions, uint64_t{2});
  CHECK_EQ(deleted.messages, uint64_t{4});
  CHECK_EQ(deleted.cancelled.size(), size_t{3});
  CHECK(std::get<Submitted>(CHECK_OK(replies[4])).thread_created);
  CHECK(!finished(replies[5]).applied);
  CHECK_EQ(std::get<Submitted>(CHECK_OK(replies[7])).position, 1u);
  const uint64_t incarnation = std::get<Submitted>(CHECK_OK(replies[4])).incarnation;
  replies =
      apply_together(f, {make_finish("t2", incarnation, 104, "answer"), make_finish("t2", incarnation, 105, "x")});
  CHECK_EQ(finished(replies[0]).next->content, "next");
  CHECK(finished(replies[1]).applied);
  for (int opened = 0; opened < 2; ++opened) {
    CHECK((f.sessions("u") == Strings{"t2"}));
    CHECK((f.history("u", "t2") == Strings{"new", "answer", "next", "x"}));
    CHECK((f.history("v", "t") == Strings{"of another", "a"}));
    f.reopen();
  }
}

TEST_CASE(commands_that_fail_leave_the_rest_of_their_group_alone) {
  Fixture f;
  f.turn("u", "t", "q1", "a1");
  const uint64_t sequence = f.store->state().last_sequence;
  Submit rejected = make_submit("t", 102, "busy");
  rejected.on_busy = OnBusy::reject;
  Submit orphan = make_submit("t", 103, "orphan");
  orphan.parent = make_uuid_v7(5);
  Submit orphan_of_none = make_submit("made never", 104, "orphan");
  orphan_of_none.parent = make_uuid_v7(5);
  FinishRun too_large = make_finish("t", 1, 101, std::string(kCommandBytesMax + 1, 'x'));
  const auto replies = apply_together(
      f, {make_submit("t", 101, "q2"), rejected, orphan, orphan_of_none, make_submit("t", 101, "same id"), too_large,
          make_submit("", 105, "x"), DeleteThread{"u", "made never"}, make_submit("t", 106, "q3"),
          CancelQueued{"u", "t", run_number(107), "", 0}, make_finish("t", 2, 101, "of no incarnation"),
          make_finish("t", 1, 101, "a2")});
  CHECK_OK(replies[0]);
  CHECK_FAILS(replies[1], Code::busy);
  CHECK_FAILS(replies[2], Code::not_found);
  CHECK_FAILS(replies[3], Code::not_found);
  CHECK_FAILS(replies[4], Code::invalid);
  CHECK_FAILS(replies[5], Code::too_large);
  CHECK_FAILS(replies[6], Code::invalid);
  CHECK_FAILS(replies[7], Code::not_found);
  CHECK_EQ(std::get<Submitted>(CHECK_OK(replies[8])).position, 1u);
  CHECK(!std::get<Cancelled>(CHECK_OK(replies[9])).found);
  CHECK(!finished(replies[10]).applied);
  CHECK_EQ(finished(replies[11]).next->content, "q3");
  CHECK_EQ(f.store->state().last_sequence, sequence + 4);  // start, queue, finish, start
  for (int opened = 0; opened < 2; ++opened) {
    CHECK((f.history("u", "t") == Strings{"q1", "a1", "q2", "a2", "q3"}));
    CHECK(!f.page("u", "made never").found);
    f.reopen();
  }
}

TEST_CASE(positions_close_up_after_a_cancel_in_the_same_group) {
  Fixture f;
  f.submit("u", "t", "q1");
  const auto replies =
      apply_together(f, {make_submit("t", 101, "first"), make_submit("t", 102, "second"),
                         CancelQueued{"u", "t", run_number(101), "", 0}, make_submit("t", 103, "third"),
                         CancelQueued{"u", "t", run_number(101), "", 0}});
  CHECK_EQ(std::get<Submitted>(CHECK_OK(replies[1])).position, 2u);
  CHECK(std::get<Cancelled>(CHECK_OK(replies[2])).found);
  CHECK_EQ(std::get<Submitted>(CHECK_OK(replies[3])).position, 2u);
  CHECK(!std::get<Cancelled>(CHECK_OK(replies[4])).found);
  for (int opened = 0; opened < 2; ++opened) {
    const auto waiting = CHECK_OK(f.store->read_queue("u", "t", Tier::any));
    CHECK_EQ(waiting.size(), size_t{2});
    CHECK(waiting[0].content == "second" && waiting[0].position == 1);
    CHECK(waiting[1].content == "third" && waiting[1].position == 2);
    CHECK(CHECK_OK(f.store->find_run("u", "t", run_number(101), Tier::any))->state == RunState::cancelled);
    CHECK_EQ(CHECK_OK(f.store->find_run("u", "t", run_number(103), Tier::any))->position, 2u);
    f.reopen();
  }
}

TEST_CASE(a_parent_made_in_the_same_group_is_found) {
  Fixture f;
  f.turn("u", "t", "q1", "a1");
  f.turn("u", "t", "q2", "a2");
  const Uuid a1 = f.page("u", "t").messages[2].id;
  Submit branch = make_submit("t", 101, "q2b");
  branch.parent = a1;
  Submit again = make_submit("t", 102, "q2c");
  again.parent = a1;
  const auto replies =
      apply_together(f, {branch, again, make_finish("t", 1, 101, "a2b"), DeleteThread{"u", "t"}, again});
  CHECK_EQ(finished(replies[2]).next->content, "q2c");
  CHECK_EQ(finished(replies[2]).next->user_depth, 3u);
  CHECK_OK(replies[3]);
  CHECK_FAILS(replies[4], Code::not_found);  // its parent went with the thread
  CHECK(!f.page("u", "t").found);
}

TEST_CASE(requests_with_and_without_a_name_share_a_group) {
  Fixture f;
  Submit named = make_submit("a", 101, "q");
  named.request.key = "key";
  Submit same = make_submit("b", 102, "q");
  same.request.key = "key";
  const auto replies = apply_together(f, {named, make_submit("c", 103, "q"), same, make_submit("d", 104, "q")});
  for (const size_t i : {0, 1, 3}) {
    CHECK(std::get<Submitted>(CHECK_OK(replies[i])).state == Submitted::State::started);
  }
  CHECK(std::get<Submitted>(CHECK_OK(replies[2])).state == Submitted::State::joined);
}
