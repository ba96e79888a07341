// What doctor says of a whole store, of a damaged, a foreign and a newer one; and that it changes nothing.
#include "storage/doctor.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "tests/unit/storage/raw_store.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace fs = std::filesystem;

namespace {

std::string advice_of(const DoctorReport& report) {
  std::string text;
  for (const DoctorAdvice& advice : report.advice) text += advice.what + "\n";
  return text;
}

bool says(const DoctorReport& report, const std::string& words) {
  return advice_of(report).find(words) != std::string::npos;
}

std::string listing(const std::string& path) {
  std::vector<std::string> lines;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    lines.push_back(entry.path().string() + " " +
                    std::to_string(fs::last_write_time(entry.path()).time_since_epoch().count()) + "\n");
  }
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

struct World {
  World() {
    f.turn("anna", "trip", "where to?", "to the sea");
    f.turn("anna", "plan", "first", "yes");
    f.submit("bert", "plan", "under way");
    f.submit("bert", "plan", "waiting");
  }
  std::string data() const { return f.directory.path() + "/data"; }
  Fixture f;
};

void check_contents(const DoctorReport& report) {
  CHECK(report.is_store && report.is_read);
  CHECK_EQ(report.format, report.format_known);
  CHECK_EQ(report.threads, 3u);
  CHECK_EQ(report.users, 2u);
  CHECK(!report.is_estimate);
  CHECK_EQ(report.active_runs, 1u);
  CHECK_EQ(report.waiting_submits, 1u);
  CHECK_EQ(report.last_sequence, 6u);
  CHECK_EQ(report.waiting_erasures.value_or(99), 0u);
  CHECK_EQ(report.families.size(), kFamilyCount);
  CHECK(report.disk_bytes >= report.disk_free_bytes && report.disk_free_bytes > 0);
}

}  // namespace

TEST_CASE(a_store_is_told_while_it_serves_and_afterwards) {
  World w;
  const DoctorReport serving = CHECK_OK(w.f.store->examine());
  check_contents(serving);
  CHECK(serving.in_use);
  CHECK_EQ(serving.in_use_by, static_cast<int64_t>(getpid()));
  // From outside, beside the server.
  check_contents(CHECK_OK(examine(w.data(), nullptr)));

  w.f.store.reset();
  const std::string before = listing(w.data());
  const DoctorReport report = CHECK_OK(examine(w.data(), nullptr));
  check_contents(report);
  CHECK(!report.in_use);
  CHECK_EQ(listing(w.data()), before);
  uint64_t log_bytes = 0;
  for (const DoctorFiles& files : report.files) {
    if (files.kind == "write-ahead log") log_bytes = files.bytes;
    CHECK(files.kind != "not Bobbin's");
  }
  CHECK(log_bytes > 0);
}

TEST_CASE(modes_and_owners_that_are_wrong_are_told) {
  World w;
  w.f.store.reset();
  CHECK_EQ(advice_of(CHECK_OK(examine(w.data(), nullptr))), "");
  CHECK_EQ(chmod(w.data().c_str(), 0755), 0);
  std::ofstream(w.data() + "/jwt-secret") << "x";
  CHECK_EQ(chmod((w.data() + "/jwt-secret").c_str(), 0644), 0);
  const DoctorReport report = CHECK_OK(examine(w.data(), nullptr));
  CHECK(says(report, "others on this machine can look into the data directory (mode 0755)"));
  CHECK(says(report, "others on this machine can read the secret"));
  std::ofstream(w.data() + "/restore-incomplete") << "x";
  CHECK(says(CHECK_OK(examine(w.data(), nullptr)), "a restore into this directory did not finish"));
}

TEST_CASE(a_damaged_store_is_told) {
  World w;
  w.f.store.reset();
  std::ofstream(w.data() + "/db/CURRENT") << "nonsense\n";
  const std::string before = listing(w.data());
  const DoctorReport report = CHECK_OK(examine(w.data(), nullptr));
  CHECK(report.is_store && !report.is_read);
  CHECK(says(report, "the store cannot be opened: Corruption"));
  CHECK_EQ(listing(w.data()), before);
}

TEST_CASE(what_waits_to_be_erased_is_told) {
  World w;
  {
    RawStore raw(w.f);
    std::string key;
    append_erasure_key(key, "anna", "gone", 3);
    std::string value;
    append_erasure_record(value, {});
    raw.put(Family::erasures, key, value);
  }
  CHECK_EQ(CHECK_OK(examine(w.data(), nullptr)).waiting_erasures.value_or(99), 1u);
}

TEST_CASE(a_newer_store_is_told) {
  World w;
  {
    RawStore raw(w.f);
    std::string value;
    append_number_record(value, 99);
    raw.put(Family::meta, "format", value);
    rocksdb::ColumnFamilyHandle* handle = nullptr;
    CHECK(raw.database().db().CreateColumnFamily({}, "holograms", &handle).ok());
    CHECK(raw.database().db().DestroyColumnFamilyHandle(handle).ok());
  }
  const DoctorReport report = CHECK_OK(examine(w.data(), nullptr));
  CHECK(report.is_read);
  CHECK_EQ(report.format, 99u);
  CHECK(says(report, "family holograms was made by a newer Bobbin"));
  CHECK(says(report, "the store has a format that this program does not know"));
}

TEST_CASE(a_foreign_directory_is_told) {
  const TempDirectory directory;
  std::ofstream(directory.path() + "/letter.txt") << "dear";
  const DoctorReport report = CHECK_OK(examine(directory.path(), nullptr));
  CHECK(!report.is_store && !report.is_read);
  CHECK(says(report, "there is no Bobbin store in this directory"));
  CHECK_EQ(report.files.size(), 1u);
  CHECK_EQ(report.files[0].kind, "not Bobbin's");
  CHECK_FAILS(examine(directory.path() + "/nothing", nullptr), Code::not_found);
  CHECK_FAILS(examine(directory.path() + "/letter.txt", nullptr), Code::not_found);
}
