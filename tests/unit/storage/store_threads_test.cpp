// The writer under load: groups, many threads at once, order of completion, closing.
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "src/base/metrics.h"
#include "tests/unit/storage/store_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

// Counts down as operations complete.
class Latch {
 public:
  explicit Latch(int count) : count_(count) {}
  void count_down() {
    const std::lock_guard lock(mutex_);
    if (--count_ == 0) zero_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    zero_.wait(lock, [this] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable zero_;
  int count_;
};

class Recorded final : public Operation {
 public:
  Recorded(Command command_in, Latch& latch) : Operation(std::move(command_in)), latch_(latch) {}
  void on_applied(const Reply& submitted) noexcept override {
    applied = true;
    applied_before_committed = !committed;
    applied_run = std::get<Submitted>(submitted).run->run_id;
  }
  void on_committed(Result<Reply> result) noexcept override {
    committed = true;
    reply = std::move(result);
    latch_.count_down();
  }
  bool applied = false;
  bool applied_before_committed = false;
  bool committed = false;
  Uuid applied_run;
  Result<Reply> reply = fail(Code::internal);

 private:
  Latch& latch_;
};

Submit make_submit(const std::string& thread, uint32_t run, OnBusy on_busy = OnBusy::queue) {
  Submit command;
  command.user = "u";
  command.thread = thread;
  command.run_id = run_number(run);
  command.content = "message " + std::to_string(run);
  command.on_busy = on_busy;
  return command;
}

}  // namespace

TEST_CASE(a_failing_command_does_not_disturb_its_group) {
  Fixture f;
  Latch latch(4);
  Recorded first(make_submit("t", 1), latch);
  Recorded bad(make_submit("", 2), latch);
  Recorded busy(make_submit("t", 3, OnBusy::reject), latch);
  Recorded queued(make_submit("t", 4), latch);
  for (Recorded* operation : {&first, &bad, &busy, &queued}) CHECK_OK(f.store->submit(*operation));
  latch.wait();
  CHECK(first.applied && first.applied_before_committed && first.applied_run == run_number(1));
  CHECK(std::get<Submitted>(CHECK_OK(first.reply)).state == Submitted::State::started);
  CHECK_FAILS(bad.reply, Code::invalid);
  CHECK_FAILS(busy.reply, Code::busy);
  CHECK(std::get<Submitted>(CHECK_OK(queued.reply)).state == Submitted::State::queued);
  CHECK(!queued.applied && !bad.applied);
}

TEST_CASE(a_hundred_submits_at_once_to_a_new_thread_are_answered_in_queue_order) {
  Fixture f;
  constexpr int kThreads = 4;
  constexpr uint32_t kEach = 25;
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (uint32_t i = 0; i < kEach; ++i) {
        const auto reply = f.store->execute(make_submit("t", 1 + t * kEach + i));
        if (!reply) std::abort();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  auto page = f.page("u", "t");
  CHECK_EQ(page.messages.size(), size_t{1});
  auto waiting = CHECK_OK(f.store->read_queue("u", "t", Tier::any));
  CHECK_EQ(waiting.size(), size_t{99});
  std::vector<std::string> expected{std::string(page.messages[0].content), "a0"};
  const auto info = CHECK_OK(f.store->find_run("u", "t", *page.active_run, Tier::any));
  StartedRun run{.user = "u",
                 .thread = "t",
                 .incarnation = info->incarnation,
                 .run_id = info->run_id,
                 .user_message_id = {},
                 .message_id = {},
                 .content = {},
                 .options = {}};
  for (size_t i = 0; i < 100; ++i) {
    const Finished finished = f.finish(run, "a" + std::to_string(i));
    CHECK(finished.applied);
    CHECK_EQ(finished.next.has_value(), i < 99);
    if (!finished.next) break;
    CHECK(finished.next->run_id == waiting[i].run_id);
    expected.push_back(waiting[i].content);
    expected.push_back("a" + std::to_string(i + 1));
    run = *finished.next;
  }
  CHECK(f.history("u", "t", 9) == expected);
}

TEST_CASE(many_threads_write_and_delete_while_others_read) {
  Fixture f;
  constexpr uint32_t kTurns = 60;
  std::atomic<bool> stop{false};
  std::atomic<int> failures{0};
  const auto write = [&](const std::string& user) {
    for (uint32_t i = 0; i < kTurns; ++i) {
      const std::string thread = "t" + std::to_string(i % 3);
      Submit submit = make_submit(thread, i);
      submit.user = user;
      submit.run_id = make_uuid_v4();
      auto reply = f.store->execute(submit);
      if (!reply) return void(++failures);
      const StartedRun run = *std::get<Submitted>(*reply).run;
      FinishRun finish;
      finish.user = user;
      finish.thread = thread;
      finish.incarnation = run.incarnation;
      finish.run_id = run.run_id;
      finish.answer.emplace().content = "answer";
      reply = f.store->execute(finish);
      if (!reply || !std::get<Finished>(*reply).applied) ++failures;
      if (i % 10 == 9 && !f.store->execute(DeleteThread{user, thread})) ++failures;
    }
  };
  const auto read = [&](const std::string& user, Tier tier) {
    while (!stop) {
      const auto list = f.store->list_sessions({.user = user, .limit = 10, .bytes_max = 1 << 20, .cursor = {}}, tier);
      if (!list && list.error().code != Code::would_block) ++failures;
      if (!list) continue;
      std::set<std::string> distinct;
      for (const ThreadSummary& summary : list->sessions) {
        if (!distinct.insert(summary.thread).second) ++failures;
        const auto page = f.store->read_history(
            {.user = user, .thread = summary.thread, .limit = 100, .bytes_max = 1 << 20, .cursor = {}}, tier);
        if (!page && page.error().code != Code::would_block) ++failures;
        if (page && page->messages.size() != page->message_count) ++failures;
      }
    }
  };
  std::vector<std::thread> readers;
  readers.emplace_back(read, "u1", Tier::any);
  readers.emplace_back(read, "u2", Tier::memory_only);
  std::vector<std::thread> writers;
  for (const char* user : {"u1", "u2", "u3"}) writers.emplace_back(write, user);
  for (std::thread& thread : writers) thread.join();
  stop = true;
  for (std::thread& thread : readers) thread.join();
  CHECK_EQ(failures.load(), 0);
}

TEST_CASE(what_waits_is_committed_before_the_store_closes_and_nothing_after) {
  Fixture f;
  Latch latch(200);
  std::vector<std::unique_ptr<Recorded>> operations;
  for (uint32_t i = 0; i < 200; ++i) {
    operations.push_back(std::make_unique<Recorded>(make_submit("t" + std::to_string(i), i + 1), latch));
    CHECK_OK(f.store->submit(*operations.back()));
  }
  f.store->close();
  latch.wait();
  for (const auto& operation : operations) CHECK(operation->reply.has_value());
  Recorded late(make_submit("late", 999), latch);
  CHECK_FAILS(f.store->submit(late), Code::draining);
  CHECK_FAILS(f.store->execute(make_submit("late", 998)), Code::draining);
  CHECK_EQ(f.sessions("u").size(), size_t{200});
  f.store->close();
}

TEST_CASE(commands_that_wait_together_share_an_fsync) {
  Fixture f;
  const uint64_t commits = metrics::read(metrics::Counter::store_commits);
  Latch latch(500);
  std::vector<std::unique_ptr<Recorded>> operations;
  for (uint32_t i = 0; i < 500; ++i) {
    operations.push_back(std::make_unique<Recorded>(make_submit("t" + std::to_string(i), i + 1), latch));
  }
  for (const auto& operation : operations) CHECK_OK(f.store->submit(*operation));
  latch.wait();
  CHECK(metrics::read(metrics::Counter::store_commits) - commits < 250);
}
