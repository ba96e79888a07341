#pragma once

#include <rocksdb/file_system.h>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

// A disk under the store that fails, fills up, keeps its syncs back and loses power when a test says so. Files are real
// ones; what this layer adds is the knowledge of which of their bytes and names would survive a power cut.
//
//   auto disk = std::make_shared<FaultFileSystem>(temp + "/shadow");
//   options.file_system = disk;                        // under every file of the store
//   disk->fail(Op::sync, 3, Fault::io, Times::from_then_on);
//   …
//   disk->lose_power(Cut::pessimistic, seed);          // the old store is dead from here on: throw it away
//   options.file_system = std::make_shared<FaultFileSystem>(temp + "/shadow");   // and open what is left
//
// The rules of durability are POSIX's, read strictly: bytes are durable after a sync of their file that succeeded, a
// name (made, renamed or removed) after a sync of its directory. Names of one directory become durable in the order in
// which they changed, as on a journalling file system. Bytes that were waiting when a sync failed are lost for good,
// though a later sync reports success. A truncation that nobody synced may be undone. A range sync promises nothing.
//
// Files and names that were there before this layer are durable. Files are appended to, truncated, renamed and removed;
// writing inside one is not supported. Thread-safe.
namespace bobbin::test {

class FaultFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  enum class Op : uint8_t {
    write,           // append to a file
    truncate,        // a file
    sync,            // of a file
    create,          // a file for writing, or a directory
    open,            // a file for reading
    read,            // from a file
    rename,          // files
    remove,          // files
    sync_directory,  // made, renamed and removed names
    count_,
  };
  enum class Fault : uint8_t { io, no_space };
  enum class Times : uint8_t { once, from_then_on };
  enum class Cut : uint8_t {
    pessimistic,  // nothing survives that was not promised to
    random,       // every file ends somewhere between what was synced and what was written, some names survive
    // As random, and what was not synced of a log (`*.log`) ends in zeros or garbage. Other files end short, as on file
    // systems that write bytes before sizes: RocksDB opens no manifest with a torn end, as it cannot tell it from one
    // that was synced and has rotted (DECISIONS.md).
    torn,
  };

  // `shadow_directory` is made where it is missing; it keeps what was renamed over or removed, on the same disk.
  explicit FaultFileSystem(std::string shadow_directory);
  ~FaultFileSystem() override;
  static const char* kClassName() { return "BobbinFaultFileSystem"; }
  const char* Name() const override { return kClassName(); }

  // The `nth` operation of this kind from now on (1: the next) fails. A failed write has written half of its bytes; a
  // failed sync loses what it should have made durable (and finds no room only where something waits to be written).
  // One fault at a time: a second call replaces the first.
  void fail(Op op, uint64_t nth, Fault fault, Times times);
  void heal();  // no fault is planned any more
  [[nodiscard]] bool fault_was_reached() const;
  [[nodiscard]] uint64_t count(Op op) const;  // since the layer was made

  // Random-access reads give half of what was asked for, without an error.
  void set_short_reads(bool on);
  // Bytes that may still be written; what is removed or truncated comes back. nullopt: as the real disk.
  void set_room(std::optional<uint64_t> bytes);
  [[nodiscard]] std::optional<uint64_t> room() const;
  // Syncs report success and make nothing durable: what a test that looks for lost data must find.
  void set_lying_syncs(bool on);

  // Syncs of files wait from now on until they are released.
  void hold_syncs();
  void release_syncs();
  void wait_for_held_sync();  // until at least one waits

  // Every further operation fails.
  void die();
  // Dies, and leaves the files as a power cut could. The same seed cuts the same files alike.
  void lose_power(Cut cut, uint32_t seed);

  // Bytes of the file that a power cut cannot take; for a file that nobody opened through this layer, all of them.
  [[nodiscard]] uint64_t durable_bytes(const std::string& path) const;

  // What RocksDB calls.
  rocksdb::IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                        rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path,
                                      const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomRWFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus FileExists(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetChildren(const std::string& path, const rocksdb::IOOptions& options,
                                std::vector<std::string>* children, rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetFileSize(const std::string& path, const rocksdb::IOOptions& options, uint64_t* bytes,
                                rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus CreateDir(const std::string& path, const rocksdb::IOOptions& options,
                              rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus CreateDirIfMissing(const std::string& path, const rocksdb::IOOptions& options,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Truncate(const std::string& path, size_t bytes, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetFreeSpace(const std::string& path, const rocksdb::IOOptions& options, uint64_t* bytes,
                                 rocksdb::IODebugContext* debug) override;
  // Locks nothing: a store that was thrown away without being closed would keep its lock as long as the test runs.
  rocksdb::IOStatus LockFile(const std::string& path, const rocksdb::IOOptions& options, rocksdb::FileLock** lock,
                             rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus UnlockFile(rocksdb::FileLock* lock, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
  friend class FaultWritableFile;
  friend class FaultSequentialFile;
  friend class FaultRandomAccessFile;
  friend class FaultDirectory;

  struct FileState {
    uint64_t written = 0;
    uint64_t synced = 0;
    bool lost = false;     // a sync failed: nothing past `synced` can be saved any more
    std::string cut_tail;  // durable bytes that an unsynced truncation removed …
    uint64_t cut_at = 0;   // … from here
  };
  using FileRef = std::shared_ptr<FileState>;
  struct NameChange {
    enum class Kind : uint8_t { made, renamed, removed } kind;
    std::string path;
    std::string from;    // of a rename
    std::string shadow;  // what the change removed; empty: nothing
    FileRef shadow_state;
  };

  // What the next operation of this kind must answer. Errors: the planned fault, or io when dead.
  rocksdb::IOStatus judge(Op op);
  rocksdb::IOStatus judge_locked(Op op);
  [[nodiscard]] rocksdb::IOStatus check_alive() const;
  FileRef state_of(const std::string& path);  // under mutex_
  rocksdb::IOStatus begin_file(const std::string& path, bool is_new, std::unique_ptr<rocksdb::FSWritableFile>* file);
  // Keeps the file that `path` names before the change takes it away; empty when there is none. Under mutex_.
  std::string keep_shadow(const std::string& path);
  void give_back_room(uint64_t bytes);  // under mutex_
  rocksdb::IOStatus append(rocksdb::FSWritableFile& file, FileState& state, const rocksdb::Slice& data,
                           const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug);
  rocksdb::IOStatus sync(FileState& state);
  rocksdb::IOStatus truncate(const std::string& path, FileState& state, uint64_t bytes,
                             const std::function<rocksdb::IOStatus()>& real_truncate);
  rocksdb::IOStatus sync_directory(const std::string& path);
  void undo(NameChange& change);
  void cut_file(const std::string& path, const FileState& state, Cut cut);

  const std::string shadow_directory_;
  mutable std::mutex mutex_;  // over all below
  std::condition_variable moved_;
  std::map<std::string, FileRef> files_;
  std::map<std::string, std::vector<NameChange>> changes_;  // by directory, oldest first
  std::array<uint64_t, static_cast<size_t>(Op::count_)> counts_{};
  struct Plan {
    Op op;
    uint64_t at;
    Fault fault;
    Times times;
  };
  std::optional<Plan> plan_;
  bool reached_ = false;
  bool short_reads_ = false;
  bool lying_syncs_ = false;
  bool holding_ = false;
  size_t held_ = 0;
  bool dead_ = false;
  std::optional<uint64_t> room_;
  uint64_t shadows_ = 0;
  std::mt19937 random_;
};

}  // namespace bobbin::test
