// kill -9 at every step of a backup and of a restore, until one passes untouched: before each file that is opened, made
// or renamed. After each, every backup that was there is still there and whole. A restore that was killed is refused by
// the store and finished by the next. All stores are opened in children: this process has no thread, so it may fork.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "storage/backup.h"
#include "tests/unit/storage/store_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

Watch no_watch;

// Kills its process when the work has asked `steps` times since `stage` began whether to go on.
class Killer final : public Watch {
 public:
  Killer(const char* stage, uint32_t steps) : stage_(stage), left_(steps) {}
  bool is_cancelled() noexcept override {
    if (begun_ && left_-- == 0) kill(getpid(), SIGKILL);
    return false;
  }
  void on_progress(const Progress& progress) noexcept override { begun_ |= stage_ == progress.stage; }

 private:
  const std::string_view stage_;
  uint32_t left_;
  bool begun_ = false;
};

// How `work` ended in a child.
template <class Work>
int in_child(const Work& work) {
  std::fflush(nullptr);
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) _exit(work() ? 0 : 1);
  int status = 0;
  CHECK_EQ(waitpid(child, &status, 0), child);
  return status;
}

void fill(const std::string& data, uint32_t round) {
  Fixture f(Fixture::Opened::later);
  StoreOptions options;
  options.directory = data;
  f.store = CHECK_OK(Store::open(options));
  f.runs_made = round * 10;
  f.turn("anna", "trip", "question " + std::string(10'000, 'x'), "answer");
}

// In a child: what the backups of `to` must be, whoever was killed.
bool check_backups(const std::string& to, size_t whole) {
  const auto backups = CHECK_OK(list_backups(to));
  size_t complete = 0;
  for (const BackupEntry& entry : backups) {
    if (!entry.complete) continue;
    ++complete;
    CHECK(CHECK_OK(verify_backups(to, entry.id, no_watch)).problems.empty());
  }
  CHECK(complete == whole || complete == whole + 1);  // one that was killed after its manifest counts
  return true;
}

bool check_restored(const std::string& restored, uint32_t turns_min) {
  StoreOptions store;
  store.directory = restored;
  const auto opened = CHECK_OK(Store::open(store));
  HistoryQuery query;
  query.user = "anna";
  query.thread = "trip";
  query.limit = 1;
  query.bytes_max = 1 << 20;
  const HistoryPage page = CHECK_OK(opened->read_history(query, Tier::any));
  CHECK(page.message_count >= 2 * turns_min);
  return true;
}

}  // namespace

TEST_CASE(a_backup_killed_anywhere_harms_none) {
  const TempDirectory directory;
  const std::string data = directory.path() + "/data";
  const std::string to = directory.path() + "/backups";
  uint32_t round = 0;
  uint32_t kills = 0;
  for (size_t whole = 0; whole < 2; ++whole) {
    CHECK_EQ(in_child([&] { return fill(data, round++), true; }), 0);
    for (uint32_t step = 0;; ++step) {
      const int ended = in_child([&] {
        Killer killer("copying", step);
        BackupOptions options;
        options.to = to;
        return backup_directory(data, options, killer).has_value();
      });
      if (!WIFSIGNALED(ended)) {
        CHECK_EQ(ended, 0);
        CHECK(step > 20);
        break;
      }
      ++kills;
      if (std::filesystem::exists(to)) CHECK_EQ(in_child([&] { return check_backups(to, whole); }), 0);
    }
    CHECK_EQ(in_child([&] { return check_backups(to, whole + 1); }), 0);
  }
  std::printf("%u backups were killed\n", kills);
}

TEST_CASE(a_restore_killed_anywhere_is_refused_and_can_be_finished) {
  const TempDirectory directory;
  const std::string data = directory.path() + "/data";
  RestoreOptions options;
  options.from = directory.path() + "/backups";
  options.data = directory.path() + "/restored";
  CHECK_EQ(in_child([&] {
             fill(data, 0);
             BackupOptions backup;
             backup.to = options.from;
             return backup_directory(data, backup, no_watch).has_value();
           }),
           0);
  for (uint32_t step = 0;; ++step) {
    std::filesystem::remove_all(options.data);
    const int ended = in_child([&] {
      Killer killer("restoring", step);
      return restore_backup(options, killer).has_value();
    });
    if (!WIFSIGNALED(ended)) {
      CHECK_EQ(ended, 0);
      CHECK(step > 10);
      std::printf("%u restores were killed\n", step);
      break;
    }
    CHECK_EQ(in_child([&] {
               StoreOptions store;
               store.directory = options.data;
               return Store::open(store).error().code == Code::corrupt;
             }),
             0);
    CHECK_EQ(in_child([&] { return restore_backup(options, no_watch).has_value(); }), 0);
    CHECK_EQ(in_child([&] { return check_restored(options.data, 1); }), 0);
  }
  CHECK_EQ(in_child([&] { return check_restored(options.data, 1); }), 0);
}
