#include "src/auth/small_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "src/auth/open_file.h"

namespace bobbin::auth {
namespace {

Result<void> write_synced(const std::string& path, std::string_view text) {
  const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open()) return fail(Code::io, errno, "the file cannot be made");
  while (!text.empty()) {
    const ssize_t count = ::write(file.fd(), text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Code::io, errno, "the file cannot be written");
    text.remove_prefix(static_cast<size_t>(count));
  }
  if (::fsync(file.fd()) != 0) return fail(Code::io, errno, "the file cannot be synced");
  return {};
}

}  // namespace

Result<std::string> read_small_file(const std::string& path, size_t bytes_max) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return fail(errno == ENOENT ? Code::not_found : Code::io, errno, "the file cannot be opened");
  std::string text;
  char piece[16 * 1024];
  for (;;) {
    const ssize_t count = ::read(file.fd(), piece, sizeof piece);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Code::io, errno, "the file cannot be read");
    if (count == 0) return text;
    text.append(piece, static_cast<size_t>(count));
    if (text.size() > bytes_max) return fail(Code::too_large, 0, "the file is too large");
  }
}

Result<void> replace_small_file(const std::string& path, std::string_view text) {
  const std::string draft = path + ".new";
  TRY(write_synced(draft, text));
  if (::rename(draft.c_str(), path.c_str()) != 0) return fail(Code::io, errno, "the file cannot be renamed");
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const File opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.is_open() || ::fsync(opened.fd()) != 0) return fail(Code::io, errno, "the directory cannot be synced");
  return {};
}

}  // namespace bobbin::auth
