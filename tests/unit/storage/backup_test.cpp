// Backups of a store that goes on serving: what comes back is what was there, each backup costs what is new, damage is
// named, and no refusal changes anything.
#include "storage/backup.h"

#include <sys/stat.h>

#include <fstream>
#include <random>
#include <thread>

#include "storage/verify.h"
#include "tests/unit/storage/raw_store.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace fs = std::filesystem;

namespace {

Watch no_watch;

void write_file(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void damage_file(const std::string& path) {
  std::string bytes = read_file(path);
  CHECK(!bytes.empty());
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_file(path, bytes);
}

struct World {
  World() {
    f.turn("anna", "trip", "where to?", "to the sea");
    f.turn("bert", "plan", "first", "yes");
  }
  std::string data() const { return f.directory.path() + "/data"; }
  std::string backups() const { return f.directory.path() + "/backups"; }
  std::string restored() const { return f.directory.path() + "/restored"; }

  BackupReport backup(BackupOptions options = {}) {
    if (options.to.empty()) options.to = backups();
    return CHECK_OK(f.store->backup(options, no_watch));
  }
  RestoreReport restore(RestoreOptions options = {}) {
    if (options.from.empty()) options.from = backups();
    if (options.data.empty()) options.data = restored();
    return CHECK_OK(restore_backup(options, no_watch));
  }
  // What the restored store holds of a thread, oldest first.
  std::vector<std::string> restored_history(const std::string& user, const std::string& thread) {
    CHECK_OK(verify_directory(restored(), {}, no_watch));
    CHECK(CHECK_OK(verify_directory(restored(), {}, no_watch)).left.is_clean());
    StoreOptions options;
    options.directory = restored();
    const auto store = CHECK_OK(Store::open(options));
    HistoryQuery query;
    query.user = user;
    query.thread = thread;
    query.limit = 1000;
    query.bytes_max = 64 << 20;
    const HistoryPage page = CHECK_OK(store->read_history(query, Tier::any));
    std::vector<std::string> contents;
    for (const MessageView& message : page.messages) contents.emplace(contents.begin(), message.content);
    return contents;
  }
  uint64_t bytes_of_backups() const {
    uint64_t bytes = 0;
    for (const auto& entry : fs::recursive_directory_iterator(backups())) {
      if (entry.is_regular_file()) bytes += entry.file_size();
    }
    return bytes;
  }
  Fixture f;
};

}  // namespace

TEST_CASE(what_was_there_comes_back) {
  World w;
  const BackupReport report = w.backup();
  CHECK_EQ(report.backup.id, 1u);
  CHECK(report.backup.complete);
  CHECK(report.new_bytes >= report.backup.bytes);
  w.f.turn("anna", "trip", "later", "too late");
  const RestoreReport restored = w.restore();
  CHECK_EQ(restored.backup.id, 1u);
  CHECK_EQ(restored.moved_aside, "");
  CHECK(w.restored_history("anna", "trip") == std::vector<std::string>({"where to?", "to the sea"}));
  CHECK(w.restored_history("bert", "plan") == std::vector<std::string>({"first", "yes"}));
  struct stat info {};
  CHECK(stat(w.restored().c_str(), &info) == 0 && (info.st_mode & 0777) == 0700);
  CHECK(stat(w.backups().c_str(), &info) == 0 && (info.st_mode & 0777) == 0700);
}

TEST_CASE(a_run_under_way_is_interrupted_where_it_is_restored) {
  World w;
  w.f.submit("anna", "trip", "under way");
  w.f.submit("anna", "trip", "waiting");
  w.backup();
  w.restore();
  CHECK(w.restored_history("anna", "trip") == std::vector<std::string>({"where to?", "to the sea", "under way"}));
  StoreOptions options;
  options.directory = w.restored();
  const auto store = CHECK_OK(Store::open(options));
  const auto unfinished = CHECK_OK(store->unfinished_threads());
  CHECK_EQ(unfinished.size(), 1u);
  CHECK_EQ(unfinished[0].waiting, 1u);
  CHECK(!unfinished[0].active);
}

TEST_CASE(a_second_backup_costs_what_is_new) {
  World w;
  std::mt19937 random(1);
  for (int i = 0; i < 40; ++i) {
    std::string text(64 * 1024, ' ');  // that does not compress
    for (char& c : text) c = static_cast<char>('a' + random() % 26);
    w.f.turn("anna", "trip", text, "noted");
  }
  w.f.store.reset();
  {
    RawStore raw(w.f);
    for (size_t i = 0; i < kFamilyCount; ++i) {
      CHECK(raw.database().db().Flush({}, raw.database().family(static_cast<Family>(i + 1))).ok());
    }
  }
  w.f.open();
  const BackupReport first = w.backup();
  w.f.turn("anna", "trip", "one more", "noted");
  const BackupReport second = w.backup();
  CHECK_EQ(second.backup.id, 2u);
  CHECK(second.backup.bytes > first.backup.bytes);
  CHECK(second.new_bytes * 4 < first.new_bytes);
  const auto listed = CHECK_OK(list_backups(w.backups()));
  CHECK_EQ(listed.size(), 2u);
  CHECK(listed[0].complete && listed[1].complete);
  RestoreOptions older;
  older.id = 1;
  w.restore(older);
  CHECK_EQ(w.restored_history("anna", "trip").size(), 82u);
}

TEST_CASE(only_as_many_as_asked_for_are_kept) {
  World w;
  for (int i = 0; i < 4; ++i) {
    w.f.turn("anna", "trip", "more", "and more");
    w.backup();
  }
  const uint64_t before = w.bytes_of_backups();
  BackupOptions options;
  options.keep = 2;
  options.verify = true;
  const BackupReport report = w.backup(options);
  CHECK(report.verified);
  CHECK(report.removed == std::vector<uint32_t>({1, 2, 3}));
  const auto listed = CHECK_OK(list_backups(w.backups()));
  CHECK_EQ(listed.size(), 2u);
  CHECK_EQ(listed[0].id, 4u);
  CHECK(w.bytes_of_backups() < before);
  CHECK(CHECK_OK(verify_backups(w.backups(), 0, no_watch)).problems.empty());
}

TEST_CASE(what_was_shown_of_a_run_under_way_comes_along) {
  World w;
  const Submitted submitted = w.f.submit("anna", "trip", "under way");
  const auto writer = w.f.store->run_log().make_writer();
  writer->append(submitted.run->run_id, 1, RunLogKind::event, "{}");
  writer->append(submitted.run->run_id, 2, RunLogKind::token, "some words");
  CHECK_OK(writer->flush());
  w.backup();
  writer->append(submitted.run->run_id, 3, RunLogKind::token, ", and more");
  CHECK_OK(writer->flush());
  w.restore();
  CHECK(w.restored_history("anna", "trip") ==
        std::vector<std::string>({"where to?", "to the sea", "under way", "some words"}));
}

TEST_CASE(a_backup_beside_writers_and_erasures_is_of_one_moment) {
  World w;
  std::atomic<bool> stop{false};
  std::atomic<int> rounds{0};
  std::thread others([&] {
    for (int i = 0; !stop; ++i) {
      for (int turn = 0; turn < 20; ++turn) w.f.turn("carl", "t" + std::to_string(turn % 4), "question", "answer");
      static_cast<void>(w.f.delete_thread("carl", "t" + std::to_string(i % 4)));
      static_cast<void>(w.f.store->keep_house());
      ++rounds;
      rounds.notify_one();
    }
  });
  for (int i = 0; i < 5; ++i) {
    const int seen = rounds;
    const auto report = w.f.store->backup({.to = w.backups()}, no_watch);
    CHECK_EQ(report ? report->backup.id : 0u, static_cast<uint32_t>(i + 1));
    rounds.wait(seen);  // until something was erased meanwhile
  }
  stop = true;
  others.join();
  for (uint32_t id = 1; id <= 5; ++id) {
    RestoreOptions options;
    options.id = id;
    options.force = true;
    w.restore(options);
    CHECK_EQ(w.restored_history("anna", "trip").size(), 2u);  // which looks at everything else
  }
}

TEST_CASE(a_deleted_text_goes_with_the_last_backup_that_has_it) {
  World w;
  std::mt19937 random(7);
  std::string secret;
  for (int i = 0; i < 24; ++i) secret.push_back(static_cast<char>('a' + random() % 26));
  const auto files_with_it = [&] {
    size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(w.backups())) {
      if (entry.is_regular_file() && read_file(entry.path()).find(secret) != std::string::npos) ++count;
    }
    return count;
  };
  w.f.turn("anna", "diary", secret, "noted");
  w.backup();
  CHECK(files_with_it() > 0);
  CHECK_OK(w.f.delete_thread("anna", "diary"));
  bool is_erased = false;
  for (int tries = 0; tries < 10 && !is_erased; ++tries) is_erased = CHECK_OK(w.f.store->keep_house());
  CHECK(is_erased);
  w.backup();
  CHECK(files_with_it() > 0);  // the first is still kept
  BackupOptions options;
  options.keep = 1;
  w.backup(options);
  CHECK_EQ(files_with_it(), 0u);
  w.restore();
  CHECK_EQ(w.restored_history("anna", "diary").size(), 0u);
  CHECK_EQ(w.restored_history("anna", "trip").size(), 2u);
}

TEST_CASE(the_run_log_comes_along) {
  World w;
  const std::string segment(100'000, 'x');
  write_file(w.data() + "/runlog/0001.log", segment);
  write_file(w.data() + "/runlog/0002.log", "");
  w.backup();
  w.restore();
  CHECK(read_file(w.restored() + "/runlog/0001.log") == segment);
  CHECK(fs::exists(w.restored() + "/runlog/0002.log"));
}

TEST_CASE(the_secret_comes_along_only_where_asked_for) {
  World w;
  BackupOptions with_secret;
  with_secret.to = w.backups();
  with_secret.with_secret = true;
  CHECK_FAILS(w.f.store->backup(with_secret, no_watch), Code::not_found);
  CHECK(!fs::exists(w.backups()));
  write_file(w.data() + "/jwt-secret", "a secret of more than thirty-two bytes\n");
  CHECK(!w.backup().backup.with_secret);
  w.restore();
  CHECK(!fs::exists(w.restored() + "/jwt-secret"));
  CHECK(w.backup(with_secret).backup.with_secret);
  RestoreOptions options;
  options.force = true;
  const RestoreReport restored = w.restore(options);
  CHECK(restored.backup.with_secret);
  CHECK(restored.moved_aside.starts_with(w.restored() + ".before-restore-"));
  CHECK(fs::exists(restored.moved_aside + "/db/CURRENT"));
  CHECK_EQ(read_file(w.restored() + "/jwt-secret"), "a secret of more than thirty-two bytes\n");
  struct stat info {};
  CHECK(stat((w.restored() + "/jwt-secret").c_str(), &info) == 0 && (info.st_mode & 0777) == 0600);
}

TEST_CASE(damage_is_named_and_nothing_is_restored_from_it) {
  World w;
  write_file(w.data() + "/runlog/0001.log", "tokens");
  w.backup();
  w.f.turn("anna", "trip", "more", "and more");
  w.backup();
  std::vector<std::string> victims;
  for (const auto& entry : fs::recursive_directory_iterator(w.backups())) {
    if (entry.is_regular_file() && entry.file_size() > 0) victims.push_back(entry.path());
  }
  CHECK(victims.size() > 6);
  for (const std::string& victim : victims) {
    const std::string whole = read_file(victim);
    damage_file(victim);
    const auto report = CHECK_OK(verify_backups(w.backups(), 0, no_watch));
    if (report.problems.empty()) CHECK_EQ(victim, "is not missed");
    RestoreOptions options;
    options.from = w.backups();
    options.data = w.restored();
    options.id = report.problems[0].id;
    CHECK(!restore_backup(options, no_watch));
    CHECK(!fs::exists(w.restored()));
    write_file(victim, whole);
  }
  fs::remove(w.backups() + "/bobbin/1/runlog/0001.log");
  const auto report = CHECK_OK(verify_backups(w.backups(), 0, no_watch));
  CHECK_EQ(report.problems.size(), 1u);
  CHECK_EQ(report.problems[0].id, 1u);
  CHECK(CHECK_OK(verify_backups(w.backups(), 2, no_watch)).problems.empty());
}

TEST_CASE(a_backup_without_manifest_does_not_count_and_is_cleared_away) {
  World w;
  w.backup();
  w.f.turn("anna", "trip", "more", "and more");
  w.backup();
  fs::remove(w.backups() + "/bobbin/2/manifest");  // as if it had been killed just before
  const auto listed = CHECK_OK(list_backups(w.backups()));
  CHECK_EQ(listed.size(), 2u);
  CHECK(listed[0].complete && !listed[1].complete);
  CHECK_EQ(CHECK_OK(verify_backups(w.backups(), 0, no_watch)).problems.size(), 1u);
  CHECK_EQ(w.restore().backup.id, 1u);
  RestoreOptions second;
  second.from = w.backups();
  second.data = w.restored() + "2";
  second.id = 2;
  CHECK_FAILS(restore_backup(second, no_watch), Code::invalid);
  w.backup();
  for (const BackupEntry& entry : CHECK_OK(list_backups(w.backups()))) CHECK(entry.complete);
  CHECK(CHECK_OK(verify_backups(w.backups(), 0, no_watch)).problems.empty());
}

TEST_CASE(a_restored_store_goes_on_in_the_same_backup_directory_and_another_store_is_refused) {
  World w;
  w.backup();
  w.restore();
  BackupOptions options;
  options.to = w.backups();
  CHECK_EQ(CHECK_OK(backup_directory(w.restored(), options, no_watch)).backup.id, 2u);
  {
    Fixture other;
    other.turn("carl", "x", "mine", "yours");
    CHECK_FAILS(other.store->backup(options, no_watch), Code::invalid);
  }
  CHECK_EQ(CHECK_OK(list_backups(w.backups())).size(), 2u);
}

TEST_CASE(a_target_that_is_wrong_is_refused) {
  World w;
  const auto refuse = [&](const std::string& to, Code code) {
    BackupOptions options;
    options.to = to;
    CHECK_FAILS(w.f.store->backup(options, no_watch), code);
  };
  refuse(w.data(), Code::invalid);
  refuse(w.data() + "/backups", Code::invalid);
  refuse(w.data() + "/../data/db", Code::invalid);
  write_file(w.f.directory.path() + "/full/of/things", "x");
  refuse(w.f.directory.path() + "/full", Code::invalid);
  refuse("/proc/bobbin", Code::io);
  BackupOptions options;
  options.to = w.backups();
  CHECK_FAILS(backup_directory(w.data(), options, no_watch), Code::busy);
  CHECK_FAILS(backup_directory(w.f.directory.path() + "/nothing", options, no_watch), Code::not_found);
  CHECK(!fs::exists(w.f.directory.path() + "/nothing"));
  CHECK(!fs::exists(w.backups()));
  CHECK_FAILS(list_backups(w.backups()), Code::not_found);
  CHECK_FAILS(list_backups(w.data()), Code::not_found);
  w.backup();
  CHECK_FAILS(verify_backups(w.backups(), 9, no_watch), Code::not_found);
}

TEST_CASE(restore_takes_nobodys_place) {
  World w;
  w.backup();
  RestoreOptions options;
  options.from = w.backups();
  options.data = w.data();
  CHECK_FAILS(restore_backup(options, no_watch), Code::invalid);
  options.force = true;
  CHECK_FAILS(restore_backup(options, no_watch), Code::busy);  // it is served
  w.f.store.reset();
  const RestoreReport report = CHECK_OK(restore_backup(options, no_watch));
  CHECK(fs::exists(report.moved_aside));
  w.f.open();
  CHECK_EQ(w.f.history("anna", "trip").size(), 2u);
}

TEST_CASE(a_restore_that_was_cut_short_is_no_store_until_it_is_run_again) {
  struct Impatient final : Watch {
    bool is_cancelled() noexcept override { return restoring; }
    void on_progress(const Progress& progress) noexcept override {
      restoring |= std::string_view(progress.stage) == "restoring";
    }
    bool restoring = false;
  } impatient;
  World w;
  w.backup();
  RestoreOptions options;
  options.from = w.backups();
  options.data = w.restored();
  CHECK_FAILS(restore_backup(options, impatient), Code::cancelled);
  CHECK(fs::exists(w.restored() + "/restore-incomplete"));
  StoreOptions store;
  store.directory = w.restored();
  CHECK_FAILS(Store::open(store), Code::corrupt);
  CHECK_FAILS(verify_directory(w.restored(), {}, no_watch), Code::corrupt);
  write_file(w.restored() + "/db/000999.log", "left over");
  w.restore();
  CHECK(!fs::exists(w.restored() + "/restore-incomplete"));
  CHECK(!fs::exists(w.restored() + "/db/000999.log"));
  CHECK_EQ(w.restored_history("anna", "trip").size(), 2u);
}

TEST_CASE(a_cancelled_backup_leaves_none) {
  struct Impatient final : Watch {
    bool is_cancelled() noexcept override { return true; }
  } impatient;
  World w;
  w.backup();
  BackupOptions options;
  options.to = w.backups();
  CHECK_FAILS(w.f.store->backup(options, impatient), Code::cancelled);
  const auto listed = CHECK_OK(list_backups(w.backups()));
  CHECK_EQ(listed.size(), 1u);
  CHECK(CHECK_OK(verify_backups(w.backups(), 0, no_watch)).problems.empty());
  w.f.turn("anna", "trip", "the store", "goes on");
}
