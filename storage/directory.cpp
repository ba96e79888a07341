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

// A name that was made is on disk once the directory that has it is.
Result<void> sync_directory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    // One that may be entered and not listed.
    log::warn("a directory cannot be synced", {{"path", path}, {"number", errno}});
    return {};
  }
  const int why = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  if (why != 0 && why != EINVAL) return fail(Code::io, why, "a new directory cannot be synced");
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
  return sync_directory(above.empty() ? "." : above);
}

}  // namespace

Result<int> lock_directory(std::string directory) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  struct stat found {};
  if (stat(directory.c_str(), &found) != 0) TRY(make_directory(directory, "the data directory cannot be made"));
  const std::string path = directory + "/lock";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return fail(Code::io, errno, "the data directory cannot be written");
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  const int why = errno;
  close(fd);
  if (why == EWOULDBLOCK) return fail(Code::busy, why, "the data directory is in use by another Bobbin");
  return fail(Code::io, why, "the data directory cannot be locked");
}

Result<void> make_directory(const std::string& path, const char* detail) {
  return make_directory_of_mode(path, 0700, detail);
}

}  // namespace bobbin::store
