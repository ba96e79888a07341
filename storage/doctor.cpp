#include "storage/doctor.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>

#include "src/base/bytes.h"
#include "storage/database.h"
#include "storage/directory.h"
#include "storage/doctor_files.h"
#include "storage/keys.h"
#include "storage/records.h"
#include "storage/rocksdb_options.h"

namespace bobbin::store {
namespace {

// Past this, counting takes longer than people wait.
constexpr uint64_t kThreadsCountedMax = 100'000;
constexpr size_t kCacheBytes = 4 * 1024 * 1024;

// The families of an open RocksDB, by name: ours, and those that a newer program has made.
using Families = std::map<std::string, rocksdb::ColumnFamilyHandle*>;

// A store that is opened for reading alone, whatever families it has, without its lock.
class Opened {
 public:
  Opened() = default;
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  ~Opened() {
    for (const auto& [name, handle] : families) static_cast<void>(db->DestroyColumnFamilyHandle(handle));
  }
  rocksdb::Status open(const std::string& path) {
    const rocksdb::DBOptions options = read_only_options(rocksdb::Env::Default());
    std::vector<std::string> names;
    if (auto status = rocksdb::DB::ListColumnFamilies(options, path, &names); !status.ok()) return status;
    const auto cache = make_block_cache(kCacheBytes);
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
    for (const std::string& name : names) {
      const auto at = std::find(kFamilyNames.begin(), kFamilyNames.end(), name);
      const bool known = at != kFamilyNames.end();
      descriptors.emplace_back(name, known ? family_options(static_cast<Family>(at - kFamilyNames.begin() + 1), cache)
                                           : family_options(Family::meta, cache));
    }
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* raw = nullptr;
    rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options, path, descriptors, &handles, &raw);
    if (!status.ok()) return status;
    db.reset(raw);
    for (size_t i = 0; i < names.size(); ++i) families[names[i]] = handles[i];
    return status;
  }

  std::unique_ptr<rocksdb::DB> db;
  Families families;
};

class Examination {
 public:
  Examination(DoctorReport& report, rocksdb::DB& db, const Families& families)
      : report_(report), db_(db), families_(families) {}

  void run() {
    report_.is_read = true;
    for (const auto& [name, handle] : families_) {
      if (name != rocksdb::kDefaultColumnFamilyName) examine_family(name, handle);
    }
    read_format();
    read_last_sequence();
    count_threads();
    count_queue();
    count_erasures();
  }

 private:
  void examine_family(const std::string& name, rocksdb::ColumnFamilyHandle* handle) {
    DoctorFamily family;
    family.name = name;
    family.known = std::find(kFamilyNames.begin(), kFamilyNames.end(), name) != kFamilyNames.end();
    family.rows = property(handle, rocksdb::DB::Properties::kEstimateNumKeys);
    family.bytes = property(handle, rocksdb::DB::Properties::kLiveSstFilesSize);
    family.in_memory = property(handle, rocksdb::DB::Properties::kCurSizeAllMemTables);
    if (name == family_name(Family::threads)) report_.threads = family.rows;
    if (!family.known) {
      report_.advice.push_back(
          {"family " + name + " was made by a newer Bobbin", "use that program for this directory"});
    }
    report_.families.push_back(std::move(family));
  }

  uint64_t property(rocksdb::ColumnFamilyHandle* handle, const std::string& name) {
    uint64_t value = 0;
    return db_.GetIntProperty(handle, name, &value) ? value : 0;
  }

  std::unique_ptr<rocksdb::Iterator> rows(Family family) {
    const auto found = families_.find(family_name(family));
    if (found == families_.end()) return nullptr;
    rocksdb::ReadOptions options;
    options.total_order_seek = true;
    options.fill_cache = false;
    return std::unique_ptr<rocksdb::Iterator>(db_.NewIterator(options, found->second));
  }

  void read_format() {
    const auto found = families_.find(family_name(Family::meta));
    std::string value;
    if (found == families_.end() || !db_.Get({}, found->second, "format", &value).ok()) {
      report_.advice.push_back({"the store does not say its format", "if it is not new, bobbin verify says more"});
      return;
    }
    const auto format = decode_number(value);
    if (!format) {
      report_.advice.push_back({"the row that says the store's format is damaged", "restore a backup"});
      return;
    }
    report_.format = *format;
    if (*format > kStoreFormat) {
      report_.advice.push_back({"the store has a format that this program does not know", "use a newer Bobbin"});
    }
    if (*format < kStoreFormat) {
      report_.advice.push_back(
          {"the store has format " + std::to_string(*format) + ", which no release has written", "start a new one"});
    }
  }

  void read_last_sequence() {
    const auto it = rows(Family::changes);
    if (!it) return;
    it->SeekToLast();
    if (it->Valid() && it->key().size() == 8) report_.last_sequence = load_be64(it->key().data());
    complain(*it, Family::changes);
  }

  void count_threads() {
    const auto it = rows(Family::threads);
    if (!it) return;
    const uint64_t estimate = report_.threads;
    report_.threads = 0;
    std::string user;
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      if (report_.threads == kThreadsCountedMax) {
        report_.threads = std::max(report_.threads, estimate);
        report_.is_estimate = true;
        break;
      }
      ++report_.threads;
      const std::string_view key = to_view(it->key());
      const std::string_view owner = key.substr(0, user_prefix_bytes(key));
      if (owner != user) ++report_.users;
      user = owner;
    }
    complain(*it, Family::threads);
  }

  void count_queue() {
    const auto it = rows(Family::queue);
    if (!it) return;
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      const auto entry = decode_queue(to_view(it->value()));
      if (!entry) continue;
      ++(entry->state == RunState::running ? report_.active_runs : report_.waiting_submits);
    }
    complain(*it, Family::queue);
  }

  void count_erasures() {
    const auto it = rows(Family::erasures);
    if (!it) return;
    uint64_t count = 0;
    for (it->SeekToFirst(); it->Valid() && count < kThreadsCountedMax; it->Next()) ++count;
    report_.waiting_erasures = count;
    complain(*it, Family::erasures);
  }

  void complain(const rocksdb::Iterator& it, Family family) {
    if (it.status().ok()) return;
    report_.advice.push_back(
        {std::string("family ") + family_name(family) + " cannot be read: " + it.status().ToString(),
         "bobbin verify says what is damaged"});
  }

  DoctorReport& report_;
  rocksdb::DB& db_;
  const Families& families_;
};

}  // namespace

Result<DoctorReport> examine(const std::string& directory, const Database* database) {
  DoctorReport report;
  std::error_code error;
  report.directory = std::filesystem::absolute(directory, error).lexically_normal().string();
  if (error) return fail(Code::io, error.value(), "the directory cannot be found");
  report.format_known = kStoreFormat;
  TRY(examine_files(report));
  report.is_store = check_is_store(report.directory).has_value();
  if (database != nullptr) {
    Families families;
    for (size_t i = 0; i < kFamilyCount; ++i) {
      families[kFamilyNames[i]] = database->family(static_cast<Family>(i + 1));
    }
    Examination(report, database->db(), families).run();
    return report;
  }
  if (!report.is_store) {
    report.advice.push_back({"there is no Bobbin store in this directory",
                             "check the path; bobbin serve --data makes a new store where there is none"});
    return report;
  }
  Opened opened;
  const rocksdb::Status status = opened.open(report.directory + "/" + kDatabaseName);
  if (!status.ok()) {
    report.advice.push_back({"the store cannot be opened: " + status.ToString(),
                             "bobbin restore brings the newest backup back; keep this directory until then"});
    return report;
  }
  Examination(report, *opened.db, opened.families).run();
  return report;
}

}  // namespace bobbin::store
