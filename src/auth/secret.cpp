#include "src/auth/secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <optional>

#include "src/auth/open_file.h"
#include "src/base/limits.h"
#include "src/base/log.h"
#include "src/base/uuid.h"

namespace bobbin::auth {
namespace {

constexpr size_t kSecretBytesMax = 4096;

// All of the file, at most one byte more than `bytes_max`. A pipe is fine: `--jwt-secret-file <(pass show bobbin)`.
Result<std::string> read_all(int fd, size_t bytes_max) {
  std::string text(bytes_max + 1, '\0');
  size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t count = ::read(fd, text.data() + filled, text.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Code::io, errno, "the JWT secret file cannot be read");
    if (count == 0) break;
    filled += static_cast<size_t>(count);
  }
  text.resize(filled);
  return text;
}

void trim_line_end(std::string& text) {
  if (!text.ends_with('\n')) return;
  text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
}

Result<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Code::io, errno, "the JWT secret cannot be written");
    text.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

Result<void> sync_directory(const std::string& directory) {
  const File file(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file.is_open() || ::fsync(file.fd()) != 0) return fail(Code::io, errno, "the data directory cannot be synced");
  return {};
}

std::string random_hex(size_t byte_count) {
  std::string bytes(byte_count, '\0');
  fill_random(bytes.data(), bytes.size());
  constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text.push_back(kHex[static_cast<uint8_t>(c) >> 4]);
    text.push_back(kHex[static_cast<uint8_t>(c) & 15]);
  }
  return text;
}

// Gives the finished file `from` its name `to` unless somebody else has taken it, which is fine: then theirs is the
// secret.
Result<void> publish(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) == 0 || errno == EEXIST) return {};
  // File systems without hard links (exFAT on a stick) can still rename without replacing.
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0 || errno == EEXIST) return {};
  return fail(Code::io, errno, "the JWT secret cannot be stored in the data directory");
}

Result<void> write_new_secret(const std::string& directory, const std::string& path) {
  const std::string draft = path + "." + random_hex(8);
  const File file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.is_open()) return fail(Code::io, errno, "the JWT secret cannot be created in the data directory");
  Result<void> written = write_all(file.fd(), random_hex(32) + "\n");
  if (written && ::fsync(file.fd()) != 0) written = fail(Code::io, errno, "the JWT secret cannot be synced");
  if (written) written = publish(draft, path);
  ::unlink(draft.c_str());  // after a rename it is gone already
  TRY(written);
  return sync_directory(directory);
}

}  // namespace

Result<void> check_secret(std::string_view secret) {
  if (secret.size() < limits::kJwtSecretBytesMin) {
    return fail(Code::invalid, 0, "the JWT secret must have at least 32 bytes");
  }
  return {};
}

Result<std::string> read_secret_file(const std::string& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return fail(Code::io, errno, "the JWT secret file cannot be opened");
  struct stat info {};
  if (::fstat(file.fd(), &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & 077) != 0) {
    log::warn("others can read the JWT secret; use chmod 600", {{"path", path}});
  }
  TRY_ASSIGN(std::string secret, read_all(file.fd(), kSecretBytesMax));
  if (secret.size() > kSecretBytesMax) return fail(Code::invalid, 0, "the JWT secret file is longer than 4096 bytes");
  trim_line_end(secret);
  TRY(check_secret(secret));
  return secret;
}

Result<std::string> load_or_create_secret(const std::string& directory) {
  const std::string path = directory + "/" + kSecretFileName;
  if (::access(path.c_str(), F_OK) != 0) {
    if (errno != ENOENT) return fail(Code::io, errno, "the data directory cannot be used");
    TRY(write_new_secret(directory, path));
  }
  return read_secret_file(path);
}

}  // namespace bobbin::auth
