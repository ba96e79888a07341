#include "storage/directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "src/base/log.h"

namespace bobbin::store {
namespace {

Result<int> lock_file(int fd) {
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  const int why = errno;
  close(fd);
  if (why == EWOULDBLOCK) return fail(Code::busy, why, "the data directory is in use by another Bobbin");
  return fail(Code::io, why, "the data directory cannot be locked");
}

int open_directory(const std::string& path) { return open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }

Result<void> sync_and_close(int fd) {
  const int why = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  if (why != 0 && why != EINVAL) return fail(Code::io, why, "a directory cannot be synced");  // EINVAL: it has no sync
  return {};
}

Result<void> make_directory_of_mode(const std::string& path, mode_t mode, const char* detail) {
  constexpr mode_t kModeAbove = 0777;
  const std::string above = std::filesystem::path(path).parent_path();
  int why = mkdir(path.c_str(), mode) == 0 ? 0 : errno;
  if (why == ENOENT && !above.empty() && above != path) {
    TRY(make_directory_of_mode(above, kModeAbove, detail));
    why = mkdir(path.c_str(), mode) == 0 ? 0 : errno;
  }
  if (why == EEXIST) return {};
  if (why != 0) return fail(Code::io, why, detail);
  const int fd = open_directory(above.empty() ? "." : above);
  if (fd >= 0) return sync_and_close(fd);
  // One that may be entered and not listed.
  log::warn("a directory cannot be synced", {{"path", above}, {"number", errno}});
  return {};
}

}  // namespace

Result<int> lock_directory(std::string directory) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  struct stat found {};
  if (stat(directory.c_str(), &found) != 0) TRY(make_directory(directory, "the data directory cannot be made"));
  const std::string path = directory + "/" + kLockName;
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return fail(Code::io, errno, "the data directory cannot be written");
  return lock_file(fd);
}

Result<int> lock_existing_directory(const std::string& directory) {
  const std::string path = directory + "/" + kLockName;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
    return fail(Code::not_found, 0, "there is no Bobbin store in this directory");
  }
  if (fd < 0) return fail(Code::io, errno, "the data directory cannot be read");
  return lock_file(fd);
}

Result<void> check_restore_is_complete(const std::string& directory) {
  struct stat info {};
  if (lstat((directory + "/" + kRestoreMarkerName).c_str(), &info) != 0) return {};
  return fail(Code::corrupt, 0, "a restore into this directory did not finish; run the same bobbin restore again");
}

Result<void> check_is_store(const std::string& directory) {
  struct stat info {};
  if (stat((directory + "/" + kDatabaseName + "/CURRENT").c_str(), &info) == 0) return {};
  if (errno != ENOENT && errno != ENOTDIR) return fail(Code::io, errno, "the data directory cannot be read");
  return fail(Code::not_found, 0, "there is no Bobbin store in this directory");
}

Result<void> make_directory(const std::string& path, const char* detail) {
  return make_directory_of_mode(path, 0700, detail);
}

Result<void> sync_directory(const std::string& path) {
  const int fd = open_directory(path);
  if (fd < 0) return fail(Code::io, errno, "a directory cannot be opened");
  return sync_and_close(fd);
}

Result<void> sync_tree(const std::string& path) {
  std::error_code error;
  std::filesystem::recursive_directory_iterator it(path, error);
  for (; !error && it != std::filesystem::recursive_directory_iterator(); it.increment(error)) {
    const int fd = open(it->path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return fail(Code::io, errno, "a file cannot be opened to be synced");
    const int failed = fsync(fd) != 0 ? errno : 0;
    close(fd);
    if (failed != 0) return fail(Code::io, failed, "a file cannot be synced");
  }
  if (error) return fail(Code::io, error.value(), "a directory cannot be read");
  return sync_directory(path);
}

Result<void> write_private_file(const std::string& path, std::string_view bytes) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return fail(Code::io, errno, "a file cannot be made");
  int failed = 0;
  while (!bytes.empty() && failed == 0) {
    const ssize_t count = write(fd, bytes.data(), bytes.size());
    if (count > 0) bytes.remove_prefix(static_cast<size_t>(count));
    if (count < 0 && errno != EINTR) failed = errno;
  }
  if (failed == 0 && fsync(fd) != 0) failed = errno;
  close(fd);
  if (failed == ENOSPC || failed == EDQUOT) return fail(Code::storage_full, failed, "the disk is full");
  if (failed != 0) return fail(Code::io, failed, "a file cannot be written");
  return {};
}

Result<std::string> read_small_file(const std::string& path, size_t bytes_max) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return fail(Code::not_found, 0, "no such file");
  if (fd < 0) return fail(Code::io, errno, "a file cannot be opened");
  std::string bytes(bytes_max + 1, '\0');
  size_t filled = 0;
  int failed = 0;
  while (filled < bytes.size() && failed == 0) {
    const ssize_t count = read(fd, bytes.data() + filled, bytes.size() - filled);
    if (count == 0) break;
    if (count > 0) filled += static_cast<size_t>(count);
    if (count < 0 && errno != EINTR) failed = errno;
  }
  close(fd);
  if (failed != 0) return fail(Code::io, failed, "a file cannot be read");
  if (filled > bytes_max) return fail(Code::too_large, 0, "a file is larger than it can be");
  bytes.resize(filled);
  return bytes;
}

}  // namespace bobbin::store
