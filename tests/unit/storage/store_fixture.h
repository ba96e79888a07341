#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "storage/store.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/test.h"

// A real store in a directory of its own, a clock that the test steps, and short forms of the commands.
namespace bobbin::store::test {

class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline constexpr int64_t kStartUs = 1'700'000'000'000'000;
inline std::atomic<int64_t> fake_wall_us{kStartUs};
inline std::atomic<int64_t> fake_steady_us{1'000'000};
inline int64_t fake_wall() noexcept { return fake_wall_us.load(); }
inline int64_t fake_steady() noexcept { return fake_steady_us.load(); }
inline void advance_us(int64_t us) {
  fake_wall_us += us;
  fake_steady_us += us;
}

inline Uuid run_number(uint32_t number) {
  Uuid id;
  id.bytes[0] = 0xaa;
  for (size_t i = 0; i < 4; ++i) id.bytes[12 + i] = static_cast<uint8_t>(number >> (24 - 8 * i));
  return id;
}

class Fixture {
 public:
  enum class Opened : uint8_t { now, later };
  explicit Fixture(Opened opened = Opened::now) {
    fake_wall_us = kStartUs;
    fake_steady_us = 1'000'000;
    options.block_cache_bytes = 8 * 1024 * 1024;
    options.space_low_bytes = 0;
    options.reserve_bytes = 0;
    if (opened == Opened::now) open();
  }
  void open() { CHECK_OK(try_open()); }
  Result<void> try_open();
  // Closes and opens again, as after an orderly end.
  void reopen() {
    store.reset();
    open();
  }

  Result<Submitted> submit(Submit command);
  Submitted submit(const std::string& user, const std::string& thread, const std::string& content);
  Finished finish(const StartedRun& run, const std::string& answer, bool start_next = true);
  Finished end_without_answer(const StartedRun& run, RunOutcome outcome, bool start_next = true);
  // One whole turn; the thread must be idle.
  void turn(const std::string& user, const std::string& thread, const std::string& question, const std::string& answer);
  Result<Deleted> delete_thread(const std::string& user, const std::string& thread);

  // Contents oldest first, read in pages of `limit`, from memory or disk.
  std::vector<std::string> history(const std::string& user, const std::string& thread, uint32_t limit = 1000);
  std::vector<std::string> sessions(const std::string& user, uint32_t limit = 1000);
  HistoryPage page(const std::string& user, const std::string& thread, uint32_t limit = 1000,
                   std::optional<HistoryCursor> cursor = std::nullopt);

  // From now on, and for the next opening, the store is on a disk that can fail. The one before must be gone.
  bobbin::test::FaultFileSystem& use_new_disk() {
    disk = std::make_shared<bobbin::test::FaultFileSystem>(directory.path() + "/shadow");
    options.file_system = disk;
    return *disk;
  }
  // Throws a store away whose disk is dead, as the end of the process would.
  void abandon();

  TempDirectory directory;
  StoreOptions options;                                 // used by open(); directory and clocks are filled in there
  std::shared_ptr<bobbin::test::FaultFileSystem> disk;  // null: the real one
  std::unique_ptr<Store> store;
  uint32_t runs_made = 0;
};

// The files under `directory` that contain `word`.
std::vector<std::string> files_with(const std::string& directory, const std::string& word);

// Holds the writer, once it is made, until release(): what is submitted meanwhile is one group.
class Plug final : public Operation {
 public:
  explicit Plug(Store& store);
  ~Plug() override { release(); }
  void release();
  void on_committed(Result<Reply> reply) noexcept override;

 private:
  enum class State : uint8_t { waiting, holding, released, done };
  void wait_for(State state);
  void move_to(State state);
  std::mutex mutex_;
  std::condition_variable moved_;
  State state_ = State::waiting;
};

}  // namespace bobbin::store::test
