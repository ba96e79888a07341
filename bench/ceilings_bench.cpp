// The store beside the least that its work could cost on this disk, alternating with it in one run:
//
//   1. messages made durable by 64 writers at once     / bare RocksDB: one synced batch of 64 such rows after the
//   other,
//                                                        and 64 threads of synced puts, which it commits in groups
//   2. one acknowledgement of an idle store            / one append of as many bytes and an fdatasync
//   3. the newest page of 50 of 10 000 messages        / 50 neighbours of a bare iterator over the same rows
//   4. opening after a kill, with a million messages   (seconds)
//
//   bobbin-ceilings-bench [--messages 1000000] [--only restart|writers|ack|page] [--directory DIR]     DIR is made,
//   used and removed
#include <fcntl.h>
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/perf_level.h>
#include <rocksdb/write_batch.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "bench/storage_load.h"
#include "storage/keys.h"
#include "storage/records.h"
#include "storage/rocksdb_options.h"

namespace bobbin::store {
namespace {

constexpr int kRounds = 15;

// Plain RocksDB with its own defaults.
class Bare {
 public:
  explicit Bare(const std::string& directory) {
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* db = nullptr;
    check(rocksdb::DB::Open(options, directory, &db));
    db_.reset(db);
  }
  // As many threads, each with one synced put after the other: RocksDB makes the groups.
  double messages_per_s_of_threads(int64_t count) {
    std::atomic<uint64_t> order{order_};
    order_ += static_cast<uint64_t>(count);
    std::vector<std::thread> threads;
    const double us = microseconds([&] {
      for (size_t i = 0; i < kWriters; ++i) {
        threads.emplace_back([this, i, count, &order] {
          rocksdb::WriteOptions sync;
          sync.sync = true;
          for (int64_t sent = 0; sent < count / static_cast<int64_t>(kWriters); ++sent) {
            std::string key;
            append_message_key(key, "user" + std::to_string(i), "thread", ++order);
            check(db_->Put(sync, key, sent % 2 == 0 ? kQuestion : kAnswer));
          }
        });
      }
      for (std::thread& thread : threads) thread.join();
    });
    return static_cast<double>(count) / us * 1e6;
  }
  // One batch of 64 after the other.
  double messages_per_s(int64_t count) {
    rocksdb::WriteOptions sync;
    sync.sync = true;
    const double us = microseconds([&] {
      for (int64_t sent = 0; sent < count; sent += kWriters) {
        rocksdb::WriteBatch batch;
        for (size_t i = 0; i < kWriters; ++i) {
          std::string key;
          append_message_key(key, "user" + std::to_string(i), "thread", ++order_);
          check(batch.Put(key, i % 2 == 0 ? kQuestion : kAnswer));
        }
        check(db_->Write(sync, &batch));
      }
    });
    return static_cast<double>(count) / us * 1e6;
  }

 private:
  static void check(const rocksdb::Status& status) {
    if (!status.ok()) give_up(status.ToString().c_str(), Error(Code::io));
  }
  std::unique_ptr<rocksdb::DB> db_;
  uint64_t order_ = 0;
};

class File {
 public:
  explicit File(const std::string& path) : fd_(open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600)) {
    if (fd_ < 0) give_up("open", Error(Code::io, errno));
  }
  ~File() { close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  void append_durably(const std::string& bytes) const {
    if (write(fd_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) || fdatasync(fd_) != 0)
      give_up("append", Error(Code::io, errno));
  }

 private:
  int fd_;
};

uint64_t size_of_logs(const std::string& directory) {
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".log") bytes += entry.file_size();
  }
  return bytes;
}

class Bench {
 public:
  Bench(std::string directory, uint64_t messages) : directory_(std::move(directory)), messages_(messages) {
    std::filesystem::create_directories(directory_);
  }
  ~Bench() { std::filesystem::remove_all(directory_); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  // `only`: one of restart, writers, ack, page; empty: all.
  void run(const std::string& only) {
    std::printf("%-52s %12s %12s %8s %10s\n", "medians of alternating rounds", "store", "bare", "ratio", "wanted");
    const auto wants = [&](std::string_view name) { return only.empty() || only == name; };
    if (wants("restart")) restart();  // first: a process may only be forked while it has no threads
    if (wants("writers")) writers();
    if (wants("ack")) acknowledgement();
    if (wants("page")) page();
  }

 private:
  static void row(const char* what, double ours, double bare, const char* wanted) {
    std::printf("%-52s %12.1f %12.1f %8.2f %10s\n", what, ours, bare, ours / bare, wanted);
    std::fflush(stdout);
  }
  [[nodiscard]] std::unique_ptr<Store> open_store(const std::string& name) const {
    StoreOptions options;
    options.directory = directory_ + "/" + name;
    return must(Store::open(options), "open");
  }

  void writers() {
    const auto store = open_store("writers");
    Bare bare(directory_ + "/bare");
    constexpr int64_t kMessages = 64 * 100;
    std::vector<double> ours, batches, threads;
    for (int round = 0; round < kRounds; ++round) {
      ours.push_back(store_messages_per_s(*store, kMessages, round));
      batches.push_back(bare.messages_per_s(kMessages));
      threads.push_back(bare.messages_per_s_of_threads(kMessages));
    }
    row("durable messages a second, 64 writers / batches", median(ours), median(batches), ">= 0.5");
    row("durable messages a second, 64 writers / threads", median(ours), median(threads), ">= 0.5");
  }

  void acknowledgement() {
    const auto store = open_store("idle");
    const File file(directory_ + "/appended");
    // As many bytes as the store's own log grows by for one question, measured.
    const std::string log_directory = directory_ + "/idle/db";
    Submit submit = question("user", "thread");
    uint64_t incarnation = std::get<Submitted>(must(store->execute(submit), "submit")).incarnation;
    must(store->execute(answer(submit, incarnation)), "finish");
    const uint64_t before = size_of_logs(log_directory);
    submit = question("user", "thread");
    must(store->execute(submit), "submit");
    const std::string bytes(size_of_logs(log_directory) - before, 'x');
    must(store->execute(answer(submit, incarnation)), "finish");
    std::vector<double> ours, theirs;
    for (int i = 0; i < 1000; ++i) {
      submit = question("user", "thread");
      ours.push_back(microseconds([&] { must(store->execute(submit), "submit"); }));
      must(store->execute(answer(submit, incarnation)), "finish");
      theirs.push_back(microseconds([&] { file.append_durably(bytes); }));
    }
    row("durable acknowledgement of an idle store, us", median(ours), median(theirs), "<= 1.4");
  }

  void page() {
    auto store = open_store("page");
    uint64_t incarnation = 0;
    {
      Pipeline pipeline(*store);
      for (int i = 0; i < 5000; ++i) {
        const Submit submit = question("user", "thread");
        if (i == 0) {
          incarnation = std::get<Submitted>(must(store->execute(submit), "submit")).incarnation;
        } else {
          pipeline.send(submit);
        }
        pipeline.send(answer(submit, incarnation));
      }
    }
    // The same rows, as the store lays them out, in a RocksDB of the same options.
    Rows rows(*store, directory_ + "/rows");
    compare_pages("newest page of 50 of 10 000, in the buffer, us", *store, rows);
    store.reset();
    store = open_store("page");  // opening writes what the log has into a file
    rows.flush();
    compare_pages("newest page of 50 of 10 000, in a file, us", *store, rows);
  }
  class Rows {
   public:
    Rows(Store& store, const std::string& directory) {
      rocksdb::Options options(database_options(rocksdb::Env::Default()),
                               family_options(Family::messages, make_block_cache(size_t{32} << 20)));
      rocksdb::DB* db = nullptr;
      check(rocksdb::DB::Open(options, directory, &db));
      db_.reset(db);
      HistoryQuery query{
          .user = "user", .thread = "thread", .limit = 1000, .bytes_max = size_t{16} << 20, .cursor = std::nullopt};
      for (;;) {
        HistoryPage read = must(store.read_history(query, Tier::any), "history");
        for (const MessageView& message : read.messages) {
          std::string key;
          append_message_key(key, "user", "thread", message.order);
          std::string value;
          append_message_record(value, message.as<std::string>());
          check(db_->Put({}, key, value));
        }
        if (!read.next) break;
        query.cursor = read.next;
      }
      append_thread_prefix(first_, "user", "thread");
      end_ = prefix_end(first_);
    }
    void flush() { check(db_->Flush({})); }
    void scan(int count) const {
      rocksdb::SetPerfLevel(rocksdb::PerfLevel::kEnableCount);  // RocksDB's default; the store has changed the thread's
      rocksdb::ReadOptions options = read_options();
      const rocksdb::Slice end(end_);
      options.iterate_upper_bound = &end;
      const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options));
      size_t bytes = 0;
      int seen = 0;
      for (it->Seek(first_); it->Valid() && seen < count; it->Next(), ++seen)
        bytes += it->key().size() + it->value().size();
      if (seen != count || bytes == 0) std::abort();
    }

   private:
    static void check(const rocksdb::Status& status) {
      if (!status.ok()) give_up(status.ToString().c_str(), Error(Code::io));
    }
    std::unique_ptr<rocksdb::DB> db_;
    std::string first_, end_;
  };

  static void compare_pages(const char* what, Store& store, const Rows& rows) {
    std::vector<double> ours, theirs;
    const HistoryQuery query{
        .user = "user", .thread = "thread", .limit = 50, .bytes_max = size_t{16} << 20, .cursor = std::nullopt};
    for (int i = 0; i < 5000; ++i) {
      ours.push_back(microseconds([&] {
        if (must(store.read_history(query, Tier::any), "history").messages.size() != 50) std::abort();
      }));
      theirs.push_back(microseconds([&] { rows.scan(50); }));
    }
    row(what, median(ours), median(theirs), "<= 1.5");
  }

  // A process fills the store, leaves some runs without an end and is killed.
  void restart() {
    const std::string name = "restart";
    const pid_t child = fork();
    if (child < 0) give_up("fork", Error(Code::io, errno));
    if (child == 0) {
      fill(*open_store(name));
      kill(getpid(), SIGKILL);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status)) give_up("child", Error(Code::io, status));
    std::unique_ptr<Store> store;
    const double us = microseconds([&] { store = open_store(name); });
    std::printf("opening after a kill with %llu messages, s %25.3f %12s %8s %10s\n",
                static_cast<unsigned long long>(messages_), us / 1e6, "", "", "<= 1");
  }
  void fill(Store& store) const {
    constexpr uint64_t kThreads = 1000;
    std::vector<uint64_t> incarnations;
    const auto thread = [](uint64_t i) { return "thread" + std::to_string(i); };
    const auto user = [](uint64_t i) { return "user" + std::to_string(i % 50); };
    for (uint64_t i = 0; i < kThreads; ++i) {
      const Submit submit = question(user(i), thread(i));
      incarnations.push_back(std::get<Submitted>(must(store.execute(submit), "submit")).incarnation);
      must(store.execute(answer(submit, incarnations[i])), "finish");
    }
    {
      Pipeline pipeline(store);
      for (uint64_t i = kThreads; 2 * i < messages_; ++i) {
        const Submit submit = question(user(i % kThreads), thread(i % kThreads));
        pipeline.send(submit);
        pipeline.send(answer(submit, incarnations[i % kThreads]));
      }
    }
    const auto writer = store.run_log().make_writer();
    for (uint64_t i = 0; i < 20; ++i) {
      const Submit submit = question(user(i), thread(i));
      must(store.execute(submit), "submit");
      for (uint64_t id = 1; id <= 500; ++id) writer->append(submit.run_id, id, RunLogKind::token, " token");
      must(writer->flush(), "flush");
    }
    // Killed with the writer and its segment open.
    kill(getpid(), SIGKILL);
  }

  std::string directory_;
  uint64_t messages_;
};

}  // namespace
}  // namespace bobbin::store

int main(int argc, char** argv) {
  uint64_t messages = 1'000'000;
  std::string only;
  std::string directory =
      (std::filesystem::temp_directory_path() / ("bobbin-ceilings-" + std::to_string(getpid()))).string();
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--messages") == 0) messages = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--only") == 0) only = argv[i + 1];
    if (std::strcmp(argv[i], "--directory") == 0) directory = argv[i + 1];
  }
  bobbin::store::Bench(directory, messages).run(only);
  return 0;
}
