// A real store in a directory of its own against one in a std::map: the input is a list of commands and reopenings.
// Every answer, and all that can be read between them and at the end, must be the same.

#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/store.h"
#include "tests/fuzz/support/fuzz.h"
#include "tests/fuzz/support/plain_store.h"

namespace bobbin::fuzz {
namespace {

using namespace store;  // NOLINT(google-build-using-namespace)

constexpr size_t kStepsMax = 48;
constexpr uint8_t kReopen = 0xff;          // else a command
constexpr size_t kReopeningsMax = 2;       // of one input
constexpr size_t kInputsOfOneStore = 500;  // then a new one, so that none grows
constexpr std::string_view kThreads[] = {"t", "tt", "x"};

int64_t clock_us = 0;
int64_t clock_now() noexcept { return clock_us; }

class Directory {
 public:
  Directory() {
    // Memory where there is such a folder: an fsync is then for nothing, as it should be here.
    const bool has_memory = std::filesystem::is_directory("/dev/shm");
    path_ =
        std::string(has_memory ? "/dev/shm" : std::filesystem::temp_directory_path().string()) + "/bobbin-fuzz-XXXXXX";
    FUZZ_CHECK(mkdtemp(path_.data()) != nullptr);
  }
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class World {
 public:
  World() { open(); }
  void open() {
    auto opened = Store::open({.directory = directory_.path() + "/data",
                               .wall_clock = clock_now,
                               .steady_clock = clock_now,
                               .block_cache_bytes = 1024 * 1024,
                               .space_low_bytes = 0,
                               .reserve_bytes = 0});
    FUZZ_CHECK(opened.has_value());
    store_ = std::move(*opened);
  }
  void reopen() {
    store_.reset();
    open();
  }
  Store& store() { return *store_; }
  size_t inputs = 0;

 private:
  Directory directory_;
  std::unique_ptr<Store> store_;
};

class Walk {
 public:
  Walk(std::string_view input, World& world) : choices_(input), world_(world) {
    for (const char* name : {"a", "ab"}) users_.push_back(name + std::to_string(world.inputs));
  }

  void run() {
    size_t reopenings = 0;
    for (size_t step = 0; step < kStepsMax && !choices_.is_empty(); ++step) {
      const uint8_t kind = choices_.byte();
      if (kind == kReopen) {
        if (++reopenings > kReopeningsMax) return;
        world_.reopen();
        plain_.reopen();
        check_all();
        continue;
      }
      clock_us += 1'000;
      const Command command = make(kind % 15);
      const std::string expected = plain_.apply(command);
      FUZZ_CHECK(answer_words(store().execute(command)) == expected);
      check_user(std::visit([](const auto& one) { return user_of(one); }, command));
    }
    check_all();
  }

 private:
  template <class Any>
  static std::string user_of(const Any& command) {
    if constexpr (requires { command.user; }) return command.user;
    return "";
  }
  Store& store() { return world_.store(); }

  Uuid next_run_id() {
    Uuid id;
    id.bytes[0] = 0xaa;
    id.bytes[15] = ++runs_;
    return id;
  }

  // The run that is active in the thread, or one that is not.
  Uuid active_or_unknown(const std::string& user, const std::string& thread, uint64_t& incarnation) {
    const auto known = plain_.threads.find({user, thread});
    if (known == plain_.threads.end() || !known->second.active) return next_run_id();
    const auto summary = store().find_thread(user, thread, Tier::any);
    FUZZ_CHECK(summary.has_value() && summary->has_value());
    incarnation = (*summary)->incarnation;
    return *known->second.active;
  }

  Uuid waiting_or_unknown(const std::string& user, const std::string& thread) {
    const auto known = plain_.threads.find({user, thread});
    if (known == plain_.threads.end() || known->second.waiting.empty()) return next_run_id();
    return known->second.waiting[choices_.below(known->second.waiting.size())].run_id;
  }

  Command make_submit(const std::string& user, const std::string& thread) {
    Submit submit;
    submit.user = user;
    submit.thread = thread;
    submit.run_id = next_run_id();
    submit.content = "m" + std::to_string(runs_);
    submit.created_us = clock_us;
    const uint8_t how = choices_.byte();
    submit.on_busy = how % 4 == 0 ? OnBusy::reject : how % 4 == 1 ? OnBusy::interrupt : OnBusy::queue;
    if (how & 16) submit.parent = Uuid{};  // a new root
    return submit;
  }

  Command make_finish(const std::string& user, const std::string& thread) {
    FinishRun finish;
    finish.user = user;
    finish.thread = thread;
    finish.run_id = active_or_unknown(user, thread, finish.incarnation);
    const uint8_t how = choices_.byte();
    finish.outcome = static_cast<RunOutcome>(1 + how % 4);
    if (how & 16) finish.answer = Answer{.content = "answer " + std::to_string(how)};
    finish.terminal_event = "{}";
    finish.terminal_event_id = how;
    finish.start_next = (how & 32) == 0;
    return finish;
  }

  Command make(size_t kind) {
    const std::string user = users_[choices_.below(users_.size())];
    const std::string thread(kThreads[choices_.below(std::size(kThreads))]);
    if (kind < 5) return make_submit(user, thread);
    if (kind < 9) return make_finish(user, thread);
    switch (kind) {
      case 9: return StartNext{.user = user, .thread = thread};
      case 10: return CancelQueued{.user = user, .thread = thread, .run_id = waiting_or_unknown(user, thread)};
      case 11: return DeleteThread{.user = user, .thread = thread};
      case 12: return DeleteUserThreads{.user = user};
      case 13: {
        const bool is_users = choices_.byte() % 2 == 0;
        return SetTitle{.user = user,
                        .thread = thread,
                        .title = "title " + std::to_string(choices_.below(2)),
                        .by = is_users ? TitleBy::user : TitleBy::model};
      }
      default: {
        const size_t value = choices_.below(3);
        return ChangeSetting{.user = user, .name = "one", .json = value == 0 ? "" : std::to_string(value)};
      }
    }
  }

  void check_thread(const std::string& user, const std::string& thread, const PlainStore::Thread* expected) {
    const auto summary = store().find_thread(user, thread, Tier::any);
    FUZZ_CHECK(summary.has_value() && summary->has_value() == (expected != nullptr));
    std::vector<std::string> contents;
    std::optional<HistoryCursor> cursor;
    do {
      const auto page = store().read_history(
          {.user = user, .thread = thread, .limit = 2, .bytes_max = 1024 * 1024, .cursor = cursor}, Tier::any);
      FUZZ_CHECK(page.has_value() && page->found == (expected != nullptr));
      for (const MessageView& message : page->messages) contents.emplace_back(message.content);
      if (expected != nullptr) FUZZ_CHECK(page->active_run == expected->active);
      cursor = page->next;
    } while (cursor);
    const auto queue = store().read_queue(user, thread, Tier::any);
    FUZZ_CHECK(queue.has_value());
    if (expected == nullptr) {
      FUZZ_CHECK(contents.empty() && queue->empty());
      return;
    }
    FUZZ_CHECK(contents == expected->branch());
    FUZZ_CHECK((*summary)->message_count == contents.size());
    FUZZ_CHECK((*summary)->total_messages == expected->messages.size());
    FUZZ_CHECK((*summary)->title == expected->title.value_or(expected->messages.front().content));
    FUZZ_CHECK((*summary)->preview == contents.front());
    FUZZ_CHECK(queue->size() == expected->waiting.size());
    for (size_t i = 0; i < queue->size(); ++i) {
      FUZZ_CHECK((*queue)[i].run_id == expected->waiting[i].run_id && (*queue)[i].position == i + 1);
      const auto run = store().find_run(user, thread, (*queue)[i].run_id, Tier::any);
      FUZZ_CHECK(run.has_value() && run->has_value() && (*run)->state == RunState::queued);
    }
  }

  void check_user(const std::string& user) {
    std::vector<std::pair<uint64_t, std::string>> by_activity;
    for (const std::string_view thread : kThreads) {
      const auto known = plain_.threads.find({user, std::string(thread)});
      const bool exists = known != plain_.threads.end();
      check_thread(user, std::string(thread), exists ? &known->second : nullptr);
      if (exists) by_activity.emplace_back(known->second.activity, thread);
    }
    std::sort(by_activity.rbegin(), by_activity.rend());
    const auto page = store().list_sessions({.user = user, .limit = 10, .bytes_max = 1024 * 1024}, Tier::any);
    FUZZ_CHECK(page.has_value() && page->sessions.size() == by_activity.size() && !page->next);
    for (size_t i = 0; i < by_activity.size(); ++i) FUZZ_CHECK(page->sessions[i].thread == by_activity[i].second);
    const auto setting = store().read_setting(user, "one", Tier::any);
    FUZZ_CHECK(setting.has_value());
    const auto expected = plain_.settings.find({user, "one"});
    FUZZ_CHECK(setting->has_value() == (expected != plain_.settings.end()));
    if (*setting) FUZZ_CHECK(**setting == expected->second);
  }

  void check_all() {
    for (const std::string& user : users_) check_user(user);
  }

  Choices choices_;
  World& world_;
  std::vector<std::string> users_;  // of this input alone
  PlainStore plain_;
  uint8_t runs_ = 0;
};

}  // namespace

void run(std::string_view input) {
  static World* world = nullptr;
  if (world != nullptr && world->inputs == kInputsOfOneStore) delete std::exchange(world, nullptr);
  if (world == nullptr) {
    clock_us = 1'700'000'000'000'000;
    world = new World;
    // After RocksDB has made what it keeps until the end: so the store goes before that.
    static const int at_exit = std::atexit([] { delete std::exchange(world, nullptr); });
    FUZZ_CHECK(at_exit == 0);
  }
  Walk(input, *world).run();
  ++world->inputs;
}

}  // namespace bobbin::fuzz

// libFuzzer looks for leaks after inputs that allocated more than they freed, which a store does all the time; and a
// search of its memory takes longer than the input.
extern "C" const char* __asan_default_options() {  // NOLINT(bugprone-reserved-identifier): the sanitizer's name
  return "detect_leaks=0:quarantine_size_mb=16";
}
