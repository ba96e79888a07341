#include "storage/doctor_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string_view>

#include "storage/directory.h"

namespace bobbin::store {
namespace {

namespace fs = std::filesystem;

// Below this much room a flush or a compaction may fail at any moment.
constexpr uint64_t kFreeBytesMin = 256 * 1024 * 1024;

const char* kind_in_database(const std::string& name, std::string_view extension) {
  if (extension == ".sst" || extension == ".blob") return "tables";
  if (extension == ".log") return "write-ahead log";
  if (name.starts_with("LOG")) return "RocksDB's own log";
  return "RocksDB's lists";
}

const char* kind_of(const fs::path& relative) {
  const std::string top = *relative.begin();
  const std::string name = relative.filename();
  if (top == kDatabaseName) return kind_in_database(name, relative.extension().native());
  if (top == kRunLogName) return "run log";
  if (name.starts_with("reserve")) return "reserve";
  if (top == kLockName || top == kSecretName || top == kCertificateName || top == kCertificateKeyName ||
      top == kRestoreMarkerName || top == "control.sock")
    return "small files";
  return "not Bobbin's";
}

// A file as /proc/locks names it.
std::string place_of(const struct stat& file) {
  char text[64];
  std::snprintf(text, sizeof text, "%02x:%02x:%" PRIu64, major(file.st_dev), minor(file.st_dev), uint64_t{file.st_ino});
  return text;
}

// Who holds the flock, from the kernel's list; 0: nobody that this process may know of.
int64_t lock_holder(const struct stat& lock) {
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    // `1: FLOCK  ADVISORY  WRITE 4711 08:01:131077 0 EOF`
    std::istringstream words(line);
    std::string number;
    std::string kind;
    std::string manner;
    std::string mode;
    std::string place;
    int64_t pid = 0;
    words >> number >> kind >> manner >> mode >> pid >> place;
    if (words && kind == "FLOCK" && place == place_of(lock)) return pid;
  }
  return 0;
}

void advise(DoctorReport& report, std::string what, std::string act) {
  report.advice.push_back({std::move(what), std::move(act)});
}

std::string octal(mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777));
  return text;
}

void examine_owner(DoctorReport& report, const struct stat& directory) {
  const std::string& path = report.directory;
  if ((directory.st_mode & 077) != 0) {
    advise(report, "others on this machine can look into the data directory (mode " + octal(directory.st_mode) + ")",
           "chmod 700 " + path);
  }
  const uid_t me = geteuid();
  if (me == 0 && directory.st_uid != 0) {
    advise(report, "the data directory belongs to user " + std::to_string(directory.st_uid) + ", and you are root",
           "run bobbin as that user: files that root makes there are in its way");
  } else if (me != directory.st_uid) {
    advise(report, "the data directory belongs to user " + std::to_string(directory.st_uid) + ", not to you",
           "run bobbin as that user, or chown -R it to yours");
  }
  if (faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0) {
    advise(report, std::string("the data directory cannot be written: ") + strerrordesc_np(errno),
           "mend its mode, its owner, or the mount that it is on");
  }
}

void examine_room(DoctorReport& report) {
  struct statvfs disk {};
  if (statvfs(report.directory.c_str(), &disk) != 0) return;
  report.disk_free_bytes = uint64_t{disk.f_bavail} * disk.f_frsize;
  report.disk_bytes = uint64_t{disk.f_blocks} * disk.f_frsize;
  if (report.disk_free_bytes < kFreeBytesMin) {
    advise(report, "the disk is almost full", "make room: a server on a full disk stores no messages");
  }
}

}  // namespace

Result<void> examine_files(DoctorReport& report) {
  struct stat directory {};
  if (stat(report.directory.c_str(), &directory) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return fail(Code::not_found, 0, "there is no such directory");
    return fail(Code::io, errno, "the directory cannot be looked at");
  }
  if (!S_ISDIR(directory.st_mode)) return fail(Code::not_found, 0, "this is a file, not a directory");

  std::map<std::string, DoctorFiles> kinds;
  std::string foreign_owner;
  std::error_code error;
  const auto options = fs::directory_options::skip_permission_denied;
  fs::recursive_directory_iterator it(report.directory, options, error);
  if (error) return fail(Code::io, error.value(), "the directory cannot be read");
  for (const fs::recursive_directory_iterator end; !error && it != end; it.increment(error)) {
    struct stat info {};
    if (lstat(it->path().c_str(), &info) != 0) continue;  // it went in between
    if (info.st_uid != directory.st_uid && foreign_owner.empty()) foreign_owner = it->path();
    const fs::path relative = it->path().lexically_relative(report.directory);
    if (relative == kSecretName && (info.st_mode & 077) != 0) {
      advise(report, "others on this machine can read the secret that tokens are signed with",
             "chmod 600 " + it->path().string());
    }
    if (S_ISDIR(info.st_mode)) continue;
    DoctorFiles& kind = kinds[kind_of(relative)];
    ++kind.files;
    kind.bytes += static_cast<uint64_t>(info.st_size);
  }
  for (auto& [name, kind] : kinds) {
    kind.kind = name;
    report.files.push_back(kind);
  }
  examine_owner(report, directory);
  if (!foreign_owner.empty()) {
    advise(report, foreign_owner + " belongs to another user than the data directory",
           "chown -R the data directory to the user who runs bobbin serve");
  }
  examine_room(report);

  struct stat lock {};
  if (stat((report.directory + "/" + kLockName).c_str(), &lock) == 0) {
    report.in_use_by = lock_holder(lock);
    report.in_use = report.in_use_by != 0;
  }
  if (!check_restore_is_complete(report.directory)) {
    advise(report, "a restore into this directory did not finish", "run the same bobbin restore again");
  }
  return {};
}

}  // namespace bobbin::store
