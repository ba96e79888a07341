// Opening: what survives, what was active becomes interrupted, what cannot be opened says why. Damaged rows.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/database.h"
#include "storage/keys.h"
#include "storage/records.h"
#include "storage/rocksdb_options.h"
#include "tests/unit/storage/store_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

using Strings = std::vector<std::string>;

// Writes one raw row behind the store's back.
void overwrite(Fixture& f, Family family, const std::string& key, const std::string& value) {
  f.store.reset();
  const auto database = CHECK_OK(
      Database::open(f.directory.path() + "/data", {.block_cache_bytes = 1 << 20, .file_system = nullptr}, {}));
  CHECK(database->db().Put(commit_options(), database->family(family), key, value).ok());
}

std::string raw(Fixture& f, Family family, const std::string& key) {
  f.store.reset();
  const auto database = CHECK_OK(
      Database::open(f.directory.path() + "/data", {.block_cache_bytes = 1 << 20, .file_system = nullptr}, {}));
  rocksdb::PinnableSlice value;
  CHECK(CHECK_OK(database->get({}, family, key, value)));
  return value.ToString();
}

Result<std::unique_ptr<Store>> open_at(const std::string& directory) {
  StoreOptions options;
  options.directory = directory;
  return Store::open(options);
}

}  // namespace

TEST_CASE(everything_is_there_after_each_reopening) {
  Fixture f;
  StartedRun run = *f.submit("u", "t", "1").run;
  f.finish(run, "2");
  f.reopen();
  CHECK((f.history("u", "t") == Strings{"1", "2"}));
  CHECK_EQ(f.store->state().last_sequence, uint64_t{2});
  run = *f.submit("u", "t", "3").run;
  CHECK(run.incarnation == 1);
  f.finish(run, "4");
  f.reopen();
  CHECK((f.history("u", "t") == Strings{"1", "2", "3", "4"}));
  CHECK_OK(f.delete_thread("u", "t"));
  f.reopen();
  CHECK(f.sessions("u").empty());
  CHECK_EQ(f.submit("u", "t", "5").incarnation, uint64_t{6});
}

TEST_CASE(an_active_run_is_interrupted_and_the_queue_stays) {
  Fixture f;
  const StartedRun run = *f.submit("u", "t", "1").run;
  f.submit("u", "t", "2");
  f.turn("u", "quiet", "q", "a");
  f.reopen();
  CHECK(!f.page("u", "t").active_run);
  CHECK((f.history("u", "t") == Strings{"1"}));
  const auto info = CHECK_OK(f.store->find_run("u", "t", run.run_id, Tier::any));
  CHECK(info && info->state == RunState::interrupted);
  CHECK_EQ(info->terminal_event,
           R"({"type":"interrupted","thread_id":"t","run_id":")" + run.run_id.to_string() + "\"}");
  const auto unfinished = CHECK_OK(f.store->unfinished_threads());
  CHECK_EQ(unfinished.size(), size_t{1});
  CHECK(unfinished[0].thread == "t" && unfinished[0].waiting == 1 && !unfinished[0].active);
  const StartedRun next = *std::get<StartedNext>(CHECK_OK(f.store->execute(StartNext{"u", "t"}))).run;
  CHECK(!f.finish(run, "late").applied);
  f.finish(next, "answer");
  CHECK((f.history("u", "t") == Strings{"1", "2", "answer"}));
}

TEST_CASE(a_second_store_on_the_directory_is_busy) {
  Fixture f;
  CHECK_FAILS(open_at(f.directory.path() + "/data"), Code::busy);
  f.turn("u", "t", "still", "works");
  f.store.reset();
  CHECK_OK(open_at(f.directory.path() + "/data"));
}

TEST_CASE(an_unusable_directory_is_an_io_error) {
  const TempDirectory directory;
  const std::string file = directory.path() + "/file";
  close(::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  CHECK_FAILS(open_at(file), Code::io);
  CHECK_FAILS(open_at(file + "/below"), Code::io);
  CHECK_FAILS(open_at("/proc/bobbin"), Code::io);
}

TEST_CASE(a_missing_directory_is_made_for_its_owner_only) {
  const TempDirectory directory;
  CHECK_OK(open_at(directory.path() + "/a/b"));
  struct stat made {};
  CHECK_EQ(stat((directory.path() + "/a/b").c_str(), &made), 0);
  CHECK_EQ(made.st_mode & 0777u, 0700u);
}

TEST_CASE(an_unknown_format_is_refused) {
  Fixture f;
  std::string record;
  append_number_record(record, 1);
  f.store.reset();
  {
    const auto database = CHECK_OK(
        Database::open(f.directory.path() + "/data", {.block_cache_bytes = 1 << 20, .file_system = nullptr}, {}));
    CHECK(database->db().Put(commit_options(), database->family(Family::meta), "format", record).ok());
  }
  const auto opened = open_at(f.directory.path() + "/data");
  CHECK_FAILS(Result<void>(opened ? Result<void>() : fail(opened.error())), Code::corrupt);
  CHECK_EQ(opened.error().number, 1);
}

TEST_CASE(an_unknown_column_family_is_refused) {
  Fixture f;
  f.store.reset();
  {
    const auto database = CHECK_OK(
        Database::open(f.directory.path() + "/data", {.block_cache_bytes = 1 << 20, .file_system = nullptr}, {}));
    rocksdb::ColumnFamilyHandle* handle = nullptr;
    CHECK(database->db().CreateColumnFamily({}, "from_the_future", &handle).ok());
    CHECK(database->db().DestroyColumnFamilyHandle(handle).ok());
  }
  CHECK_FAILS(open_at(f.directory.path() + "/data"), Code::corrupt);
}

TEST_CASE(a_damaged_message_is_an_error_and_never_skipped) {
  Fixture f;
  f.turn("u", "t", "1", "2");
  f.turn("u", "t", "3", "4");
  const uint64_t order = f.page("u", "t").messages[1].order;
  std::string key;
  append_message_key(key, "u", "t", order);
  std::string value = raw(f, Family::messages, key);
  value[value.size() / 2] ^= 1;
  overwrite(f, Family::messages, key, value);
  f.open();
  CHECK_FAILS(
      f.store->read_history({.user = "u", .thread = "t", .limit = 9, .bytes_max = 1 << 20, .cursor = {}}, Tier::any),
      Code::corrupt);
  CHECK_EQ(std::string(f.page("u", "t", 1).messages[0].content), "4");
  f.turn("u", "t2", "others", "work");
}

TEST_CASE(a_damaged_summary_refuses_changes_to_its_thread_only) {
  Fixture f;
  f.turn("u", "t", "1", "2");
  f.turn("u", "t2", "1", "2");
  std::string key;
  append_thread_prefix(key, "u", "t");
  std::string value = raw(f, Family::threads, key);
  value.back() ^= 1;
  overwrite(f, Family::threads, key, value);
  f.open();
  Submit command;
  command.user = "u";
  command.thread = "t";
  command.content = "x";
  CHECK_FAILS(f.submit(command), Code::corrupt);
  CHECK_FAILS(f.store->find_thread("u", "t", Tier::any), Code::corrupt);
  f.turn("u", "t2", "others", "work");
}

TEST_CASE(a_row_with_a_damaged_key_is_an_error) {
  Fixture f;
  f.turn("u", "t", "1", "2");
  std::string key;
  append_message_key(key, "u", "t", 1);
  overwrite(f, Family::messages, key + "more", "x");  // after the last message of the thread
  f.open();
  const HistoryQuery query{.user = "u", .thread = "t", .limit = 9, .bytes_max = 1 << 20, .cursor = {}};
  CHECK_EQ(CHECK_OK(f.store->read_history(query, Tier::any)).messages.size(), size_t{2});  // never came to it
  std::string first;
  append_message_key(first, "u", "t", f.page("u", "t").messages[0].order);
  std::string second;
  append_message_key(second, "u", "t", f.page("u", "t").messages[1].order);
  CHECK(first < second);
  overwrite(f, Family::messages, first + "more", "x");  // between the two
  f.open();
  CHECK_FAILS(f.store->read_history(query, Tier::any), Code::corrupt);
  CHECK_EQ(std::string(f.page("u", "t", 1).messages[0].content), "2");
}

TEST_CASE(a_run_in_the_queue_of_a_thread_that_is_not_there_is_corrupt) {
  Fixture f;
  const StartedRun run = *f.submit("u", "t", "1").run;
  std::string key;
  append_thread_prefix(key, "u", "t");
  f.store.reset();
  {
    const auto database = CHECK_OK(
        Database::open(f.directory.path() + "/data", {.block_cache_bytes = 1 << 20, .file_system = nullptr}, {}));
    CHECK(database->db().Delete(commit_options(), database->family(Family::threads), key).ok());
  }
  const auto opened = open_at(f.directory.path() + "/data");
  CHECK_FAILS(Result<void>(opened ? Result<void>() : fail(opened.error())), Code::corrupt);
}

TEST_CASE(a_missing_message_is_an_error) {
  Fixture f;
  f.turn("u", "t", "1", "2");
  f.turn("u", "t", "3", "4");
  std::string key;
  append_message_key(key, "u", "t", f.page("u", "t").messages[1].order);
  f.store.reset();
  {
    const auto database = CHECK_OK(
        Database::open(f.directory.path() + "/data", {.block_cache_bytes = 1 << 20, .file_system = nullptr}, {}));
    CHECK(database->db().Delete(commit_options(), database->family(Family::messages), key).ok());
  }
  f.open();
  CHECK_FAILS(
      f.store->read_history({.user = "u", .thread = "t", .limit = 9, .bytes_max = 1 << 20, .cursor = {}}, Tier::any),
      Code::corrupt);
}

TEST_CASE(each_change_is_listed_with_its_keys_in_sequence) {
  Fixture f;
  const StartedRun run = *f.submit("u", "t", "1").run;
  f.submit("u", "t", "2");
  f.finish(run, "a");
  CHECK_OK(f.delete_thread("u", "t"));
  f.store.reset();
  const auto database = CHECK_OK(
      Database::open(f.directory.path() + "/data", {.block_cache_bytes = 1 << 20, .file_system = nullptr}, {}));
  std::vector<ChangeOperation> operations;
  for (uint64_t sequence = 1; sequence <= 5; ++sequence) {
    std::string key;
    append_change_key(key, sequence);
    rocksdb::PinnableSlice value;
    CHECK(CHECK_OK(database->get({}, Family::changes, key, value)));
    const ChangeRecord change = CHECK_OK(decode_change(to_view(value)));
    operations.push_back(change.operation);
    CHECK_EQ(change.incarnation, uint64_t{1});
    CHECK_EQ(change.user + "/" + change.thread, "u/t");
    if (sequence == 1) CHECK_EQ(change.keys.size(), size_t{4});  // message, run, queue, thread
  }
  CHECK((operations == std::vector<ChangeOperation>{ChangeOperation::run_started, ChangeOperation::submit_queued,
                                                    ChangeOperation::run_finished, ChangeOperation::run_started,
                                                    ChangeOperation::thread_deleted}));
}
