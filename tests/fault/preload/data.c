// Calls that write and sync bytes.

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/fault/preload/fault.h"

// `offset` < 0: at the descriptor's place. A disk that fills up takes a part first and refuses the next call.
static ssize_t write_bytes(int fd, const void* bytes, size_t count, off_t offset) {
  struct space_change change;
  const size_t fits = space_begin(&change, fd, offset, count);
  ssize_t written = -1;
  if (fits == 0 && count > 0) {
    errno = ENOSPC;
  } else {
    written = offset < 0 ? syscall(SYS_write, fd, bytes, fits) : syscall(SYS_pwrite64, fd, bytes, fits, offset);
  }
  space_end(&change);
  return written;
}

static bool write_fails(int fd) {
  char path[FAULT_PATH_MAX];
  return fault_path_of(fd, path) && fault_strikes(FAULT_WRITE, path);
}

FAULT_EXPORT ssize_t write(int fd, const void* bytes, size_t count) {
  if (!fault_is_covered(fd)) return syscall(SYS_write, fd, bytes, count);
  return write_fails(fd) ? -1 : write_bytes(fd, bytes, count, -1);
}

static ssize_t pwrite_any(int fd, const void* bytes, size_t count, off_t offset) {
  if (!fault_is_covered(fd)) return syscall(SYS_pwrite64, fd, bytes, count, offset);
  return write_fails(fd) ? -1 : write_bytes(fd, bytes, count, offset);
}
FAULT_EXPORT ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  return pwrite_any(fd, bytes, count, offset);
}
FAULT_EXPORT ssize_t pwrite64(int fd, const void* bytes, size_t count, off_t offset) {
  return pwrite_any(fd, bytes, count, offset);
}

// Piece by piece: whoever writes with several has to expect a short count.
static ssize_t write_pieces(int fd, const struct iovec* pieces, int count, off_t offset) {
  if (write_fails(fd)) return -1;
  ssize_t total = 0;
  for (int i = 0; i < count; ++i) {
    const ssize_t written = write_bytes(fd, pieces[i].iov_base, pieces[i].iov_len, offset < 0 ? -1 : offset + total);
    if (written < 0) return total > 0 ? total : -1;
    total += written;
    if ((size_t)written < pieces[i].iov_len) break;
  }
  return total;
}
FAULT_EXPORT ssize_t writev(int fd, const struct iovec* pieces, int count) {
  if (!fault_is_covered(fd)) return syscall(SYS_writev, fd, pieces, count);
  return write_pieces(fd, pieces, count, -1);
}
static ssize_t pwritev_any(int fd, const struct iovec* pieces, int count, off_t offset) {
  if (!fault_is_covered(fd)) return syscall(SYS_pwritev, fd, pieces, count, offset, (off_t)0);
  return write_pieces(fd, pieces, count, offset);
}
FAULT_EXPORT ssize_t pwritev(int fd, const struct iovec* pieces, int count, off_t offset) {
  return pwritev_any(fd, pieces, count, offset);
}
FAULT_EXPORT ssize_t pwritev64(int fd, const struct iovec* pieces, int count, off_t offset) {
  return pwritev_any(fd, pieces, count, offset);
}

static int allocate(int fd, int mode, off_t offset, off_t bytes) {
  if (!fault_is_covered(fd)) return (int)syscall(SYS_fallocate, fd, mode, offset, bytes);
  struct space_change change;
  const size_t fits = space_begin(&change, fd, offset, (size_t)bytes);
  int result = -1;
  if (fits < (size_t)bytes) {
    errno = ENOSPC;
  } else {
    result = (int)syscall(SYS_fallocate, fd, mode, offset, bytes);
  }
  space_end(&change);
  return result;
}
FAULT_EXPORT int fallocate(int fd, int mode, off_t offset, off_t bytes) { return allocate(fd, mode, offset, bytes); }
FAULT_EXPORT int fallocate64(int fd, int mode, off_t offset, off_t bytes) { return allocate(fd, mode, offset, bytes); }
static int posix_allocate(int fd, off_t offset, off_t bytes) {
  const int saved = errno;
  const int why = allocate(fd, 0, offset, bytes) == 0 ? 0 : errno;
  errno = saved;
  return why;
}
FAULT_EXPORT int posix_fallocate(int fd, off_t offset, off_t bytes) { return posix_allocate(fd, offset, bytes); }
FAULT_EXPORT int posix_fallocate64(int fd, off_t offset, off_t bytes) { return posix_allocate(fd, offset, bytes); }

static int shorten(int fd, off_t bytes) {
  if (!fault_is_covered(fd)) return (int)syscall(SYS_ftruncate, fd, bytes);
  struct space_change change;
  space_begin(&change, fd, 0, 0);
  const int result = (int)syscall(SYS_ftruncate, fd, bytes);
  space_end(&change);
  return result;
}
FAULT_EXPORT int ftruncate(int fd, off_t bytes) { return shorten(fd, bytes); }
FAULT_EXPORT int ftruncate64(int fd, off_t bytes) { return shorten(fd, bytes); }

static int sync_file(int fd, long call) {
  char path[FAULT_PATH_MAX];
  if (!fault_path_of(fd, path)) return (int)syscall(call, fd);
  struct fault_control* const control = fault_control();
  struct stat status;
  if (fstat(fd, &status) != 0) return -1;
  const bool directory = S_ISDIR(status.st_mode);
  // What is promised is what was there when the sync began.
  const uint64_t position = directory ? journal_position() : 0;
  fault_wait_while_held(path, FAULT_HOLD_BEFORE);
  if (fault_strikes(FAULT_SYNC, path)) return -1;
  if (control->lie != 0) return 0;
  if (control->no_device == 0 && syscall(call, fd) != 0) return -1;
  if (directory) {
    journal_directory_synced(path, position);
  } else {
    journal_file_synced(fd, status.st_size);
  }
  fault_wait_while_held(path, FAULT_HOLD_AFTER);
  return 0;
}
FAULT_EXPORT int fsync(int fd) { return sync_file(fd, SYS_fsync); }
FAULT_EXPORT int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }

// Only starts the writing: it promises nothing, so it is neither held nor recorded.
FAULT_EXPORT int sync_file_range(int fd, off64_t offset, off64_t bytes, unsigned flags) {
  if (fault_is_covered(fd) && fault_control()->no_device != 0) return 0;
  return (int)syscall(SYS_sync_file_range, fd, offset, bytes, flags);
}
