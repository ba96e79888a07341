// kill -9 at any moment: a process that writes is killed, another one opens what is left. Everything that was answered
// is there, of what was not answered all of a command or nothing, and runs without an end are interrupted. Each of
// three writers follows a script, so the state after any number of its steps is known. All stores are opened in
// children: this process has no thread, so it may fork.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <deque>
#include <map>
#include <thread>

#include "tests/unit/storage/store_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

constexpr size_t kWriters = 3;
using Acknowledged = std::array<uint32_t, kWriters>;

enum class Action : uint8_t { submit, finish, remove };
struct Step {
  Action action;
  std::string thread;
};

// Submits that start and that wait, ends that start the next one, threads deleted idle, active and while others wait.
Step step_at(uint32_t number) {
  constexpr std::array<Action, 10> kActions{Action::submit, Action::finish, Action::submit, Action::submit,
                                            Action::submit, Action::finish, Action::finish, Action::submit,
                                            Action::remove, Action::finish};
  constexpr std::array<char, 10> kThreads{'a', 'a', 'b', 'b', 'b', 'b', 'b', 'c', '?', 'c'};
  const uint32_t at = number % 10;
  const char thread = at == 8 ? static_cast<char>('a' + number / 10 % 3) : kThreads[at];
  return {kActions[at], std::string(1, thread)};
}

std::string user_of(int round, size_t writer) { return std::to_string(round) + "." + std::to_string(writer); }
std::string text_of(uint32_t number) { return std::to_string(number); }

// What a user's threads look like.
struct Threads {
  std::map<std::string, std::vector<std::string>> histories;  // oldest first
  std::map<std::string, std::vector<std::string>> waiting;
  std::vector<std::string> newest_first;

  friend bool operator==(const Threads&, const Threads&) = default;
};

// After `steps` steps and an opening, which ends what was active.
Threads expected_after(uint32_t steps) {
  Threads threads;
  std::map<std::string, bool> active;
  const auto touch = [&](const std::string& thread, const std::string& text) {
    threads.histories[thread].push_back(text);
    std::erase(threads.newest_first, thread);
    threads.newest_first.insert(threads.newest_first.begin(), thread);
  };
  for (uint32_t number = 0; number < steps; ++number) {
    const auto [action, thread] = step_at(number);
    auto& waiting = threads.waiting[thread];
    if (action == Action::remove) {
      threads.histories.erase(thread);
      std::erase(threads.newest_first, thread);
      waiting.clear();
      active[thread] = false;
    } else if (action == Action::submit && active[thread]) {
      waiting.push_back(text_of(number));
    } else if (action == Action::submit) {
      touch(thread, text_of(number));
      active[thread] = true;
    } else if (active[thread]) {
      touch(thread, text_of(number));
      active[thread] = !waiting.empty();
      if (waiting.empty()) continue;
      touch(thread, waiting.front());
      waiting.erase(waiting.begin());
    }
  }
  std::erase_if(threads.waiting, [](const auto& entry) { return entry.second.empty(); });
  return threads;
}

Threads read_threads(Fixture& f, const std::string& user) {
  Threads threads;
  threads.newest_first = f.sessions(user, 2);
  for (const std::string thread : {"a", "b", "c"}) {
    auto history = f.history(user, thread);
    if (!history.empty()) threads.histories[thread] = std::move(history);
    for (QueuedSubmit& submit : CHECK_OK(f.store->read_queue(user, thread, Tier::any))) {
      threads.waiting[thread].push_back(std::move(submit.content));
    }
    CHECK(!f.page(user, thread).active_run);
  }
  return threads;
}

// Follows the script until somebody kills the process; one byte to `acknowledge` for each step that was answered.
void follow_script(Store& store, const std::string& user, uint8_t writer, int acknowledge) {
  std::map<std::string, StartedRun> active;
  for (uint32_t number = 0;; ++number) {
    const auto [action, thread] = step_at(number);
    if (action == Action::submit) {
      Submit submit;
      submit.user = user;
      submit.thread = thread;
      submit.run_id = make_uuid_v4();
      submit.content = text_of(number);
      auto reply = store.execute(std::move(submit));
      if (!reply) _exit(1);
      if (auto& run = std::get<Submitted>(*reply).run) active[thread] = std::move(*run);
    } else if (action == Action::remove) {
      const auto reply = store.execute(DeleteThread{user, thread});
      if (!reply && reply.error().code != Code::not_found) _exit(2);
      active.erase(thread);
    } else if (active.contains(thread)) {
      FinishRun finish;
      finish.user = user;
      finish.thread = thread;
      finish.incarnation = active[thread].incarnation;
      finish.run_id = active[thread].run_id;
      finish.answer.emplace().content = text_of(number);
      auto reply = store.execute(std::move(finish));
      if (!reply || !std::get<Finished>(*reply).applied) _exit(3);
      active.erase(thread);
      if (auto& next = std::get<Finished>(*reply).next) active[thread] = std::move(*next);
    }
    if (write(acknowledge, &writer, 1) != 1) _exit(4);
  }
}

[[noreturn]] void write_until_killed(Fixture& f, int round, int acknowledge) {
  f.open();
  std::vector<std::thread> writers;
  for (uint8_t writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back(
        [&f, round, writer, acknowledge] { follow_script(*f.store, user_of(round, writer), writer, acknowledge); });
  }
  for (std::thread& writer : writers) writer.join();
  _exit(5);
}

// Kills a writing process after `steps` answers and gives how many each writer got.
Acknowledged write_and_kill(Fixture& f, int round, uint32_t steps) {
  int ends[2];
  CHECK_EQ(pipe(ends), 0);
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    close(ends[0]);
    write_until_killed(f, round, ends[1]);
  }
  close(ends[1]);
  Acknowledged acknowledged{};
  uint8_t writer = 0;
  for (uint32_t read_bytes = 0; read(ends[0], &writer, 1) == 1; ++read_bytes) {
    ++acknowledged.at(writer);
    if (read_bytes == steps) kill(pid, SIGKILL);
  }
  close(ends[0]);
  int status = 0;
  CHECK_EQ(waitpid(pid, &status, 0), pid);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  return acknowledged;
}

// In a child: whether each writer's threads are as after its last answered step, or as after the one under way.
void check_in_child(Fixture& f, const std::vector<Acknowledged>& rounds) {
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    f.open();
    for (size_t round = 0; round < rounds.size(); ++round) {
      for (size_t writer = 0; writer < kWriters; ++writer) {
        const uint32_t steps = rounds[round][writer];
        const Threads found = read_threads(f, user_of(static_cast<int>(round), writer));
        if (found == expected_after(steps) || found == expected_after(steps + 1)) continue;
        std::fprintf(stderr, "round %zu, writer %zu: not as after %u or %u steps\n", round, writer, steps, steps + 1);
        _exit(1);
      }
    }
    f.store.reset();
    _exit(0);
  }
  int status = 0;
  CHECK_EQ(waitpid(pid, &status, 0), pid);
  CHECK(WIFEXITED(status));
  CHECK_EQ(WEXITSTATUS(status), 0);
}

}  // namespace

TEST_CASE(a_killed_process_loses_no_answered_step_and_leaves_no_half_one) {
  Fixture f(Fixture::Opened::later);
  std::vector<Acknowledged> rounds;
  for (const uint32_t steps : {0u, 1u, 2u, 17u, 60u, 151u, 400u, 1500u}) {
    rounds.push_back(write_and_kill(f, static_cast<int>(rounds.size()), steps));
    check_in_child(f, rounds);
  }
}
