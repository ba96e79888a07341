// A random walk beside a model: the same commands go to the store and to plain std::map, in bursts so that groups form.
// Every answer must be the same; histories, lists and queues are compared as it goes, also after reopening. Prints its
// seed; takes one from BOBBIN_TEST_SEED, and the number of operations from BOBBIN_TEST_OPERATIONS.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>

#include "src/base/limits.h"
#include "tests/unit/storage/store_model.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

class Walk {
 public:
  explicit Walk(uint32_t seed) : random_(seed) {}

  void run(size_t operations) {
    size_t made = 0;
    while (made < operations) {
      std::optional<Plug> plug;
      if (below(2) == 0) plug.emplace(*f_.store);  // all of the burst is one group then
      Burst burst;
      std::vector<std::string> expected;
      const size_t size = 1 + below(24);
      for (size_t i = 0; i < size; ++i) {
        Command command = make_command();
        expected.push_back(std::visit([this](const auto& each) { return apply(each); }, command));
        burst.add(*f_.store, std::move(command));
      }
      plug.reset();
      const auto replies = burst.finish();
      for (size_t i = 0; i < replies.size(); ++i) CHECK_EQ(describe(replies[i]), expected[i]);
      CHECK_EQ(f_.store->state().last_sequence, sequence_);
      learn_ids();
      made += size;
      move_clock();
      if (below(20) == 0) compare(pick_user());
      if (below(100) == 0) CHECK_OK(f_.store->keep_house());
      if (below(150) == 0) reopen();
    }
    for (const std::string& user : kUsers) compare(user);
  }

 private:
  const std::vector<std::string> kUsers{"a", "ab", "b"};
  const std::vector<std::string> kThreads{"t", "tt", "x", "y", "z"};

  size_t below(size_t bound) { return random_() % bound; }
  const std::string& pick_user() { return kUsers[below(kUsers.size())]; }
  const std::string& pick_thread() { return kThreads[below(kThreads.size())]; }

  void move_clock() {
    switch (below(10)) {
      case 0: fake_wall_us -= static_cast<int64_t>(below(5'000'000)); break;
      case 1: fake_wall_us += static_cast<int64_t>(below(200'000'000)); break;
      default: advance_us(static_cast<int64_t>(below(3))); break;
    }
  }

  Command make_command() {
    const std::string user = pick_user();
    const std::string thread = pick_thread();
    const auto known = threads_.find({user, thread});
    const size_t kind = below(100);
    if (kind < 45) {
      Submit submit;
      submit.user = user;
      submit.thread = thread;
      submit.run_id = run_number(++runs_);
      submit.content = "m" + std::to_string(runs_);
      submit.on_busy = below(8) == 0 ? OnBusy::reject : OnBusy::queue;
      if (below(6) == 0) submit.parent = make_parent(known == threads_.end() ? nullptr : &known->second, user, thread);
      return submit;
    }
    if (kind < 88) {
      FinishRun finish;
      finish.user = user;
      finish.thread = thread;
      finish.start_next = below(5) != 0;
      if (below(6) != 0) finish.answer.emplace().content = "a" + std::to_string(++runs_);
      if (known != threads_.end() && known->second.active && below(12) != 0) {
        finish.incarnation = known->second.incarnation;
        finish.run_id = *known->second.active;
        if (below(12) == 0) ++finish.incarnation;  // of a thread that was never there
      } else if (!dead_.empty()) {                 // a run that ended, or whose thread was deleted
        const auto& [incarnation, run_id] = dead_[below(dead_.size())];
        finish.incarnation = incarnation;
        finish.run_id = run_id;
      }
      return finish;
    }
    if (kind < 93) return StartNext{user, thread};
    if (kind < 97) {
      CancelQueued cancel{user, thread, run_number(1 + static_cast<uint32_t>(below(runs_ + 1))), "", 0};
      if (known != threads_.end() && !known->second.waiting.empty()) {
        cancel.run_id = known->second.waiting[below(known->second.waiting.size())].run_id;
      }
      return cancel;
    }
    if (below(12) == 0) return DeleteUserThreads{user};
    return DeleteThread{user, thread};
  }

  Uuid make_parent(const ModelThread* thread, const std::string& user, const std::string& name) {
    parent_index_ = -3;
    if (below(4) == 0) {
      parent_index_ = -1;
      return Uuid{};
    }
    if (thread != nullptr && !thread->messages.empty()) {
      const auto ids = ids_.find({user, name});
      if (ids != ids_.end() && ids->second.first == thread->incarnation && !ids->second.second.empty()) {
        const auto it = std::next(ids->second.second.begin(), static_cast<long>(below(ids->second.second.size())));
        for (size_t i = 0; i < thread->messages.size(); ++i) {
          if (thread->messages[i].content == it->first) parent_index_ = static_cast<int>(i);
        }
        return it->second;
      }
    }
    return make_uuid_v4();
  }

  std::string started(ModelThread& thread, const Uuid& run_id, const std::string& content, int parent) {
    ++sequence_;
    thread.messages.push_back({content, parent});
    thread.leaf = thread.active_question = static_cast<int>(thread.messages.size()) - 1;
    thread.active = run_id;
    thread.activity = ++activity_;
    return " run " + run_id.to_string() + " inc " + std::to_string(thread.incarnation) + " after " +
           std::to_string(thread.branch().size() - 1) + " says " + content;
  }
  std::string start_waiting(ModelThread& thread) {
    if (thread.active || thread.waiting.empty()) return " no run";
    const ModelWaiting next = thread.waiting.front();
    thread.waiting.pop_front();
    return started(thread, next.run_id, next.content, next.parent_mode == -2 ? thread.leaf : next.parent_mode);
  }

  std::string apply(const Submit& command) {
    const Key key{command.user, command.thread};
    const auto known = threads_.find(key);
    const bool exists = known != threads_.end();
    int parent = -2;
    if (command.parent) {
      if (!command.parent->is_zero() && parent_index_ == -3) return "error not_found";
      parent = parent_index_;
    }
    if (exists && (known->second.active || !known->second.waiting.empty())) {
      if (command.on_busy == OnBusy::reject) return "error busy";
      if (known->second.waiting.size() >= limits::kThreadQueueMax) return "error queue_full";
      ++sequence_;
      known->second.waiting.push_back({command.run_id, command.content, parent});
      return "submitted " + std::to_string(known->second.waiting.size()) + " no run";
    }
    ModelThread& thread = threads_[key];
    if (!exists) thread.incarnation = sequence_ + 1;
    const std::string run = started(thread, command.run_id, command.content, parent == -2 ? thread.leaf : parent);
    return std::string("submitted 0") + (exists ? "" : " created") + run;
  }

  std::string apply(const FinishRun& command) {
    const auto known = threads_.find({command.user, command.thread});
    if (known == threads_.end() || known->second.incarnation != command.incarnation ||
        known->second.active != command.run_id) {
      return "dead no run";
    }
    ModelThread& thread = known->second;
    ++sequence_;
    dead_.emplace_back(thread.incarnation, command.run_id);
    thread.active.reset();
    if (command.answer) {
      thread.messages.push_back({command.answer->content, thread.active_question});
      thread.leaf = static_cast<int>(thread.messages.size()) - 1;
      thread.activity = ++activity_;
    }
    return "finished" + (command.start_next ? start_waiting(thread) : " no run");
  }

  std::string apply(const StartNext& command) {
    const auto known = threads_.find({command.user, command.thread});
    return "started" + (known == threads_.end() ? " no run" : start_waiting(known->second));
  }

  std::string apply(const CancelQueued& command) {
    const auto known = threads_.find({command.user, command.thread});
    if (known == threads_.end()) return "nothing to cancel";
    const size_t removed = std::erase_if(known->second.waiting,
                                         [&](const ModelWaiting& waiting) { return waiting.run_id == command.run_id; });
    sequence_ += removed;
    return removed == 0 ? "nothing to cancel" : "cancelled";
  }

  std::string apply(const DeleteThread& command) {
    const auto known = threads_.find({command.user, command.thread});
    if (known == threads_.end()) return "error not_found";
    ++sequence_;
    const ModelThread& thread = known->second;
    if (thread.active) dead_.emplace_back(thread.incarnation, *thread.active);
    const std::string answer = "deleted 1 " + std::to_string(thread.messages.size()) + " runs " +
                               std::to_string(thread.waiting.size() + (thread.active ? 1 : 0));
    threads_.erase(known);
    return answer;
  }

  std::string apply(const DeleteUserThreads& command) {
    size_t sessions = 0;
    size_t messages = 0;
    size_t runs = 0;
    std::erase_if(threads_, [&](const auto& entry) {
      if (entry.first.first != command.user) return false;
      ++sessions;
      messages += entry.second.messages.size();
      runs += entry.second.waiting.size() + (entry.second.active ? 1 : 0);
      return true;
    });
    if (sessions > 0) ++sequence_;
    return "deleted " + std::to_string(sessions) + " " + std::to_string(messages) + " runs " + std::to_string(runs);
  }

  // What the store's own threads and followers ask for: the walk makes none of them itself.
  template <class Housekeeping>
  std::string apply(const Housekeeping&) {
    return "done";
  }

  // Ids are the store's to choose: those of one thread's branch are read back to be parents later.
  void learn_ids() {
    if (threads_.empty() || below(3) != 0) return;
    const auto it = std::next(threads_.begin(), static_cast<long>(below(threads_.size())));
    const HistoryPage page = f_.page(it->first.first, it->first.second, 20);
    auto& [incarnation, ids] = ids_[it->first];
    if (incarnation != page.incarnation) ids.clear();
    incarnation = page.incarnation;
    for (const Message& message : page.messages) ids[message.content] = message.id;
  }

  void compare(const std::string& user) {
    std::vector<std::pair<uint64_t, std::string>> by_activity;
    for (const auto& [key, thread] : threads_) {
      if (key.first != user) continue;
      by_activity.emplace_back(thread.activity, key.second);
      auto expected = thread.branch();
      const HistoryPage first = f_.page(user, key.second, 1);
      CHECK_EQ(first.message_count, static_cast<uint32_t>(expected.size()));
      CHECK_EQ(first.incarnation, thread.incarnation);
      CHECK(first.active_run == thread.active);
      std::reverse(expected.begin(), expected.end());
      CHECK(f_.history(user, key.second, static_cast<uint32_t>(1 + below(30))) == expected);
      const auto waiting = CHECK_OK(f_.store->read_queue(user, key.second, Tier::any));
      CHECK_EQ(waiting.size(), thread.waiting.size());
      for (size_t i = 0; i < waiting.size(); ++i) CHECK_EQ(waiting[i].content, thread.waiting[i].content);
      const ThreadSummary summary = *CHECK_OK(f_.store->find_thread(user, key.second, Tier::any));
      CHECK_EQ(summary.total_messages, static_cast<uint64_t>(thread.messages.size()));
      CHECK_EQ(summary.preview, thread.messages[static_cast<size_t>(thread.leaf)].content);
    }
    std::sort(by_activity.rbegin(), by_activity.rend());
    std::vector<std::string> expected;
    for (const auto& [activity, thread] : by_activity) expected.push_back(thread);
    CHECK(f_.sessions(user, static_cast<uint32_t>(1 + below(6))) == expected);
  }

  void reopen() {
    f_.reopen();
    size_t unfinished = 0;
    for (auto& [key, thread] : threads_) {
      if (thread.active) {  // interrupted
        ++sequence_;
        dead_.emplace_back(thread.incarnation, *thread.active);
        thread.active.reset();
      }
      if (!thread.waiting.empty()) ++unfinished;
    }
    CHECK_EQ(f_.store->state().last_sequence, sequence_);
    CHECK_EQ(CHECK_OK(f_.store->unfinished_threads()).size(), unfinished);
    for (const std::string& user : kUsers) compare(user);
  }

  std::mt19937 random_;
  Fixture f_;
  std::map<Key, ModelThread> threads_;
  std::map<Key, std::pair<uint64_t, std::map<std::string, Uuid>>> ids_;
  std::vector<std::pair<uint64_t, Uuid>> dead_;
  uint32_t runs_ = 0;
  uint64_t sequence_ = 0;
  uint64_t activity_ = 0;
  int parent_index_ = -3;
};

uint64_t from_environment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

TEST_CASE(a_random_walk_never_differs_from_the_model) {
  const auto seed = static_cast<uint32_t>(from_environment("BOBBIN_TEST_SEED", std::random_device{}()));
  const uint64_t operations = from_environment("BOBBIN_TEST_OPERATIONS", 20'000);
  std::printf("seed %u, %llu operations\n", seed, static_cast<unsigned long long>(operations));
  Walk(seed).run(operations);
}
