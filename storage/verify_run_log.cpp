#include "storage/verify_run_log.h"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <charconv>

#include "src/base/bytes.h"
#include "storage/directory.h"
#include "storage/run_log_format.h"

namespace bobbin::store {
namespace {

constexpr size_t kReadBytes = 1024 * 1024;
constexpr std::string_view kExtension = ".log";

bool is_absent(const rocksdb::IOStatus& status) { return status.IsNotFound() || status.IsPathNotFound(); }

std::optional<uint64_t> number_of(std::string_view name) {
  constexpr size_t kDigits = 16;
  if (name.size() != kDigits + kExtension.size() || !name.ends_with(kExtension)) return std::nullopt;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, number, kDigits);
  if (error != std::errc() || end != name.data() + kDigits) return std::nullopt;
  return number;
}

// nullopt: it is gone, as nothing needed it any more.
Result<std::optional<std::string>> read_segment(rocksdb::FileSystem& files, const std::string& path) {
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  rocksdb::IOStatus status = files.NewSequentialFile(path, {}, &file, nullptr);
  if (is_absent(status)) return std::nullopt;
  std::string bytes;
  std::string buffer(kReadBytes, '\0');
  while (status.ok()) {
    rocksdb::Slice part;
    status = file->Read(kReadBytes, {}, &part, buffer.data(), nullptr);
    if (status.ok() && part.empty()) return bytes;
    if (status.ok()) bytes.append(part.data(), part.size());
  }
  return fail(from_rocksdb(status));
}

// Whether a sound frame begins where the one at `at`, which is not sound, says that it ends.
bool goes_on_after(std::string_view segment, size_t at) {
  for (;;) {
    if (segment.size() - at < kFrameHeadBytes) return false;
    const size_t size = load_le32(segment.data() + at);
    if (size < kFrameFixedBytes || size > kFrameFixedBytes + kFrameTextBytesMax) return false;
    if (segment.size() - at - kFrameHeadBytes < size) return false;
    at += kFrameHeadBytes + size;
    Frame frame;
    if (FrameReader(segment.substr(at), FrameReader::From::frame).next(frame)) return true;
  }
}

std::string what_is_wrong(std::string_view segment, uint64_t number) {
  FrameReader reader(segment, FrameReader::From::head);
  size_t at = 0;
  for (Frame frame; reader.next(frame);) at = reader.believed_bytes();
  at = std::max(at, reader.believed_bytes());
  if (at == 0) {
    // A crash leaves a head that is short, or, with what was not synced, one of zeros.
    const bool is_torn = segment.size() <= kSegmentHeadBytes || segment.find_first_not_of('\0') == segment.npos;
    return is_torn ? "" : "its head is damaged: nothing in it is used";
  }
  if (load_le64(segment.data() + 8) != number) return "its head is that of another segment";
  if (!goes_on_after(segment, at)) return "";
  return "a frame is damaged at byte " + std::to_string(at) + ", and what follows is not used";
}

}  // namespace

Result<void> check_run_log(const Database& database, Findings& findings, Watch& watch) {
  rocksdb::FileSystem& files = *database.env()->GetFileSystem();
  const std::string folder = database.directory() + "/" + kRunLogName;
  std::vector<std::string> names;
  const rocksdb::IOStatus listed = files.GetChildren(folder, {}, &names, nullptr);
  if (is_absent(listed)) return {};
  if (!listed.ok()) return fail(from_rocksdb(listed));
  std::sort(names.begin(), names.end());
  uint64_t done = 0;
  for (const std::string& name : names) {
    if (watch.is_cancelled()) return fail(Code::cancelled, 0, "cancelled");
    const auto number = number_of(name);
    if (!number) continue;
    std::string path = folder;
    path.append("/").append(name);
    TRY_ASSIGN(const auto segment, read_segment(files, path));
    if (!segment) continue;
    watch.on_progress({"run log", ++done, names.size(), "segments"});
    std::string what = what_is_wrong(*segment, *number);
    if (what.empty()) {
      ++findings.report().run_log_segments;
    } else {
      findings.add_file(kRunLogKind, std::move(path), std::move(what));
    }
  }
  return {};
}

}  // namespace bobbin::store
