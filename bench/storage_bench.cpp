// Shows that the store's costs do not grow with what it holds: append, newest page and list of sessions, small against
// large, on churned data, with a warm and an empty block cache. A plain program, as the set-up (millions of rows, made
// once) and the reopening for cold reads do not fit a loop that a benchmark library drives. Medians, in microseconds.
//
//   bobbin-storage-bench [--scale 100000] [--directory DIR]     DIR is made, used and removed
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "bench/storage_pipeline.h"
#include "storage/store.h"

namespace bobbin::store {
namespace {

const std::string kQuestion(120, 'q');
const std::string kAnswer(600, 'a');
constexpr size_t kPageBytes = size_t{16} << 20;

class Bench {
 public:
  Bench(std::string directory, uint64_t scale) : directory_(std::move(directory)), scale_(scale) { open(); }

  void run() {
    std::printf("%-58s %12s %12s %8s\n", "median, µs", "small", "large", "ratio");
    appends();
    history();
    sessions();
    memory();
  }

 private:
  struct Thread {
    std::string user;
    std::string name;
    uint64_t incarnation = 0;
  };

  void open() {
    StoreOptions options;
    options.directory = directory_;
    store_ = must(Store::open(options), "open");
  }
  void reopen() {
    store_.reset();
    open();
  }

  Submit question(const Thread& thread) {
    Submit submit;
    submit.user = thread.user;
    submit.thread = thread.name;
    submit.run_id = make_uuid_v4();
    submit.content = kQuestion;
    submit.created_us = wall_now_us();
    return submit;
  }
  static FinishRun answer(const Thread& thread, const Uuid& run_id) {
    FinishRun finish;
    finish.user = thread.user;
    finish.thread = thread.name;
    finish.incarnation = thread.incarnation;
    finish.run_id = run_id;
    finish.answer.emplace().content = kAnswer;
    finish.terminal_event = R"({"type":"done"})";
    finish.terminal_event_id = 100;
    return finish;
  }

  // A thread with its first turn, committed.
  Thread make_thread(const std::string& user, const std::string& name) {
    Thread thread{user, name, 0};
    const Submit submit = question(thread);
    const auto reply = must(store_->execute(submit), "first submit");
    thread.incarnation = std::get<Submitted>(reply).incarnation;
    must(store_->execute(answer(thread, submit.run_id)), "first answer");
    return thread;
  }
  void turn(Pipeline& pipeline, const Thread& thread) {
    const Submit submit = question(thread);
    const Uuid run_id = submit.run_id;
    pipeline.send(submit);
    pipeline.send(answer(thread, run_id));
  }

  static void row(const char* what, double small, double large) {
    std::printf("%-58s %12.1f %12.1f %8.2f\n", what, small, large, large / small);
    std::fflush(stdout);
  }

  void appends() {
    std::vector<Thread> small;
    small.reserve(20);
    for (int i = 0; i < 20; ++i) small.push_back(make_thread("append", "small" + std::to_string(i)));
    const Thread large = make_thread("append", "large");
    {
      Pipeline pipeline(*store_);
      for (const Thread& thread : small) {
        for (int i = 1; i < 5; ++i) turn(pipeline, thread);
      }
      for (uint64_t i = 1; i < scale_ / 2; ++i) turn(pipeline, large);
    }
    std::vector<double> times[4];
    const auto one_turn = [&](const Thread& thread, std::vector<double>& submits, std::vector<double>& finishes) {
      Submit submit = question(thread);
      FinishRun finish = answer(thread, submit.run_id);
      submits.push_back(microseconds([&] { must(store_->execute(std::move(submit)), "submit"); }));
      finishes.push_back(microseconds([&] { must(store_->execute(std::move(finish)), "finish"); }));
    };
    for (int i = 0; i < 400; ++i) {  // alternating, so that the disk's moods hit both
      one_turn(small[static_cast<size_t>(i) % small.size()], times[0], times[1]);
      one_turn(large, times[2], times[3]);
    }
    row("append: submit, one at a time (fsync each)", median(times[0]), median(times[2]));
    row("append: finish, one at a time (fsync each)", median(times[1]), median(times[3]));
    std::vector<double> bursts[2];
    for (int i = 0; i < 40; ++i) {
      const auto burst = [&](const Thread& thread) {
        return microseconds([&] {
                 Pipeline pipeline(*store_);
                 for (int k = 0; k < 100; ++k) turn(pipeline, thread);
               }) /
               200;
      };
      const Thread fresh = make_thread("append", "fresh" + std::to_string(i));
      bursts[0].push_back(burst(fresh));
      bursts[1].push_back(burst(large));
    }
    row("append: per command, bursts of 200 (shared fsyncs)", median(bursts[0]), median(bursts[1]));
  }

  double read_history(const std::string& thread, Tier tier) {
    const HistoryQuery query{.user = "append", .thread = thread, .limit = 50, .bytes_max = kPageBytes, .cursor = {}};
    return microseconds([&] {
      auto page = store_->read_history(query, tier);
      if (!page && page.error().code == Code::would_block) return void(++blocked_);
      if (must(std::move(page), "history").messages.size() != 50) std::abort();
    });
  }

  void history() {
    measure(
        "newest page of 50 messages", [&](Tier tier) { return read_history("fresh0", tier); },
        [&](Tier tier) { return read_history("large", tier); });
  }

  // `small` and `large` each read once and give the time.
  void measure(const std::string& what, const std::function<double(Tier)>& small,
               const std::function<double(Tier)>& large) {
    std::vector<double> warm[2];
    blocked_ = 0;
    for (int i = 0; i < 20; ++i) small(Tier::any), large(Tier::any);
    for (int i = 0; i < 1000; ++i) {
      warm[0].push_back(small(Tier::any));
      warm[1].push_back(large(Tier::any));
    }
    row((what + ", warm").c_str(), median(warm[0]), median(warm[1]));
    int refused[2] = {0, 0};
    for (int i = 0; i < 100; ++i) {
      refused[0] += is_refused(small);
      refused[1] += is_refused(large);
    }
    std::printf("%-58s %12d %12d\n", (what + ", warm: % that a loop hands to the pool").c_str(), refused[0],
                refused[1]);
    std::vector<double> cold[2];
    for (int i = 0; i < 15; ++i) {  // each opening is cold for one read only: the other one would share index blocks
      reopen();
      cold[0].push_back(small(Tier::any));
      reopen();
      cold[1].push_back(large(Tier::any));
    }
    row((what + ", cold (empty block cache)").c_str(), median(cold[0]), median(cold[1]));
  }

  // Whether a loop would hand the read to the pool, which then does it.
  bool is_refused(const std::function<double(Tier)>& read) {
    blocked_ = 0;
    read(Tier::memory_only);
    if (blocked_ != 0) read(Tier::any);
    return blocked_ != 0;
  }

  double list(const std::string& user, uint32_t limit, Tier tier) {
    const SessionsQuery query{.user = user, .limit = limit, .bytes_max = kPageBytes, .cursor = {}};
    return microseconds([&] {
      const auto page = store_->list_sessions(query, tier);
      if (!page && page.error().code == Code::would_block) return void(++blocked_);
      if (must(page, "sessions").sessions.size() != limit) std::abort();
    });
  }

  // One user's threads while they are churned.
  struct Churned {
    std::string user;
    uint64_t count = 0;
    std::vector<Thread> movers;
  };

  // One message is enough; its run ends with the store, or with the thread.
  void make(Pipeline& pipeline, const Churned& owner, uint64_t number) {
    pipeline.send(question({owner.user, "t" + std::to_string(number), 0}));
  }

  // The i-th move to the top: two threads take turns, else nothing would move. Every 20th time some other thread is
  // deleted and made again.
  void move(Pipeline& pipeline, const Churned& owner, uint64_t i) {
    turn(pipeline, owner.movers[i % 2]);
    if (i % 20 != 19) return;
    const uint64_t other = 2 + i * 7919 % (owner.count - 2);
    pipeline.send(DeleteThread{owner.user, "t" + std::to_string(other)});
    make(pipeline, owner, other);
  }

  // `scale` moves for each user, in turns, so that what is not flushed or compacted yet is shared among them.
  void sessions() {
    std::vector<Churned> users;
    for (const uint64_t count : {uint64_t{10}, uint64_t{50}, scale_}) {
      const std::string user = "user" + std::to_string(count);
      users.push_back({user, count, {make_thread(user, "t0"), make_thread(user, "t1")}});
    }
    {
      Pipeline pipeline(*store_);
      for (const Churned& owner : users) {
        for (uint64_t i = 2; i < owner.count; ++i) make(pipeline, owner, i);
      }
      for (uint64_t i = 0; i < scale_; ++i) {
        for (const Churned& owner : users) move(pipeline, owner, i);
      }
    }
    const std::string large = "user" + std::to_string(scale_);
    after_own_moves(users[0], users[2]);
    measure(
        "sessions, page of 10: 10 threads against all, churned", [&](Tier tier) { return list("user10", 10, tier); },
        [&](Tier tier) { return list(large, 10, tier); });
    measure(
        "sessions, page of 50: 50 threads against all, churned", [&](Tier tier) { return list("user50", 50, tier); },
        [&](Tier tier) { return list(large, 50, tier); });
  }

  // The worst moment: each user reads when the last moves were all its own, so that what is not flushed is all between
  // its rows.
  void after_own_moves(const Churned& small, const Churned& large) {
    std::vector<double> times[2];
    uint64_t moved = 0;
    for (int round = 0; round < 20; ++round) {
      for (int which = 0; which < 2; ++which) {
        const Churned& owner = which == 0 ? small : large;
        {
          Pipeline pipeline(*store_);
          for (int i = 0; i < 997; ++i) turn(pipeline, owner.movers[moved++ % 2]);
        }
        for (int i = 0; i < 50; ++i) times[which].push_back(list(owner.user, 10, Tier::any));
      }
    }
    row("sessions, page of 10: 10 threads against all, own moves", median(times[0]), median(times[1]));
  }

  void memory() {
    // In a process of its own: this one's allocator keeps what the set-up needed.
    store_.reset();
    if (std::system(
            (std::filesystem::read_symlink("/proc/self/exe").string() + " --open '" + directory_ + "'").c_str()) != 0)
      std::abort();
    uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_)) {
      if (entry.is_regular_file()) bytes += entry.file_size();
    }
    std::printf("%.1f MiB on disk\n", static_cast<double>(bytes) / 1048576);
  }

  std::string directory_;
  uint64_t scale_;
  std::unique_ptr<Store> store_;
  int blocked_ = 0;
};

}  // namespace
}  // namespace bobbin::store

// What a process that has only opened the store takes.
static int print_memory(const std::string& directory) {
  bobbin::store::StoreOptions options;
  options.directory = directory;
  const auto store = bobbin::store::Store::open(options);
  if (!store) return 1;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS") || line.starts_with("RssAnon")) std::printf("%s after opening\n", line.c_str());
  }
  return 0;
}

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "--open") == 0) return print_memory(argv[2]);
  uint64_t scale = 100'000;
  std::string directory =
      (std::filesystem::temp_directory_path() / ("bobbin-bench-" + std::to_string(getpid()))).string();
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--scale") == 0) scale = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--directory") == 0) directory = argv[i + 1];
  }
  if (scale < 1000) {
    std::fprintf(stderr, "--scale is at least 1000\n");
    return 1;
  }
  { bobbin::store::Bench(directory, scale).run(); }
  std::filesystem::remove_all(directory);
  return 0;
}
