// Calls that make, move and remove names: open, rename, unlink, mkdir, close.

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/fault/preload/fault.h"

static int open_at(int dir_fd, const char* path, int flags, mode_t mode) {
  char absolute[FAULT_PATH_MAX];
  if (!fault_covers(dir_fd, path, absolute)) return (int)syscall(SYS_openat, dir_fd, path, flags, mode);
  if (fault_strikes(FAULT_OPEN, absolute)) return -1;
  const bool makes = (flags & (O_CREAT | O_TRUNC)) != 0;
  if (makes) journal_begin();
  struct stat status;
  const int saved = errno;
  const bool was_there = lstat(absolute, &status) == 0;
  errno = saved;
  if (was_there && (flags & O_TRUNC) != 0) space_freed(absolute);
  const int fd = (int)syscall(SYS_openat, dir_fd, path, flags, mode);
  if (fd >= 0) fault_note_open(fd);
  // A file that is emptied counts as new: nothing of it is known to be on disk.
  if (fd >= 0 && makes && (!was_there || (flags & O_TRUNC) != 0)) journal_create(absolute, fd);
  if (makes) journal_end();
  return fd;
}

// The mode is there only where a file may be made.
#define MODE_ARGUMENT(mode, flags)                               \
  mode_t mode = 0;                                               \
  if (((flags) & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) != 0) { \
    va_list arguments;                                           \
    va_start(arguments, flags);                                  \
    mode = va_arg(arguments, mode_t);                            \
    va_end(arguments);                                           \
  }

#define DEFINE_OPEN(name)                                   \
  FAULT_EXPORT int name(const char* path, int flags, ...) { \
    MODE_ARGUMENT(mode, flags)                              \
    return open_at(AT_FDCWD, path, flags, mode);            \
  }
#define DEFINE_OPENAT(name)                                             \
  FAULT_EXPORT int name(int dir_fd, const char* path, int flags, ...) { \
    MODE_ARGUMENT(mode, flags)                                          \
    return open_at(dir_fd, path, flags, mode);                          \
  }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

// What the headers make of open() where a program is built with _FORTIFY_SOURCE.
int __open_2(const char* path, int flags);
int __open64_2(const char* path, int flags);
int __openat_2(int dir_fd, const char* path, int flags);
int __openat64_2(int dir_fd, const char* path, int flags);
FAULT_EXPORT int __open_2(const char* path, int flags) { return open_at(AT_FDCWD, path, flags, 0); }
FAULT_EXPORT int __open64_2(const char* path, int flags) { return open_at(AT_FDCWD, path, flags, 0); }
FAULT_EXPORT int __openat_2(int dir_fd, const char* path, int flags) { return open_at(dir_fd, path, flags, 0); }
FAULT_EXPORT int __openat64_2(int dir_fd, const char* path, int flags) { return open_at(dir_fd, path, flags, 0); }

#define DEFINE_CREAT(name)                                              \
  FAULT_EXPORT int name(const char* path, mode_t mode) {                \
    return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); \
  }
DEFINE_CREAT(creat)
DEFINE_CREAT(creat64)

FAULT_EXPORT int close(int fd) {
  fault_note_close(fd);  // first: another thread may be given the number at once
  return (int)syscall(SYS_close, fd);
}

FAULT_EXPORT int renameat2(int from_fd, const char* from, int to_fd, const char* to, unsigned flags) {
  char old_path[FAULT_PATH_MAX];
  char new_path[FAULT_PATH_MAX];
  if (!fault_covers(from_fd, from, old_path) || !fault_covers(to_fd, to, new_path))
    return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
  if (fault_strikes(FAULT_RENAME, new_path)) return -1;
  journal_begin();
  space_freed(new_path);
  journal_rename(old_path, new_path);
  const int result = (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
  journal_end();
  return result;
}
FAULT_EXPORT int renameat(int from_fd, const char* from, int to_fd, const char* to) {
  return renameat2(from_fd, from, to_fd, to, 0);
}
FAULT_EXPORT int rename(const char* from, const char* to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

FAULT_EXPORT int unlinkat(int dir_fd, const char* path, int flags) {
  char absolute[FAULT_PATH_MAX];
  if (!fault_covers(dir_fd, path, absolute)) return (int)syscall(SYS_unlinkat, dir_fd, path, flags);
  journal_begin();
  if ((flags & AT_REMOVEDIR) == 0) {
    space_freed(absolute);
    journal_unlink(absolute);
  }
  const int result = (int)syscall(SYS_unlinkat, dir_fd, path, flags);
  journal_end();
  return result;
}
FAULT_EXPORT int unlink(const char* path) { return unlinkat(AT_FDCWD, path, 0); }
FAULT_EXPORT int rmdir(const char* path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
FAULT_EXPORT int remove(const char* path) {
  struct stat status;
  const bool directory = lstat(path, &status) == 0 && S_ISDIR(status.st_mode);
  return unlinkat(AT_FDCWD, path, directory ? AT_REMOVEDIR : 0);
}

FAULT_EXPORT int mkdirat(int dir_fd, const char* path, mode_t mode) {
  char absolute[FAULT_PATH_MAX];
  if (!fault_covers(dir_fd, path, absolute)) return (int)syscall(SYS_mkdirat, dir_fd, path, mode);
  journal_begin();
  const int result = (int)syscall(SYS_mkdirat, dir_fd, path, mode);
  if (result == 0) journal_mkdir(absolute);
  journal_end();
  return result;
}
FAULT_EXPORT int mkdir(const char* path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

// A second name: RocksDB makes some for checkpoints. On disk once the directory is.
FAULT_EXPORT int linkat(int from_fd, const char* from, int to_fd, const char* to, int flags) {
  char absolute[FAULT_PATH_MAX];
  if (!fault_covers(to_fd, to, absolute)) return (int)syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
  journal_begin();
  const int result = (int)syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
  if (result == 0) {
    const int fd = (int)syscall(SYS_openat, AT_FDCWD, absolute, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
      journal_create(absolute, fd);
      syscall(SYS_close, fd);
    }
  }
  journal_end();
  return result;
}
FAULT_EXPORT int link(const char* from, const char* to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }
