// A disk of limited size. What a file takes is the larger of its length and its blocks, as with a real one: a write
// into room that was allocated before costs nothing.

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/fault/preload/fault.h"

// One change of size at a time, or two writers would both be promised the last byte.
static pthread_mutex_t growing = PTHREAD_MUTEX_INITIALIZER;

static int64_t taken_by(const struct stat* status) {
  const int64_t blocks = (int64_t)status->st_blocks * 512;
  return blocks > status->st_size ? blocks : status->st_size;
}

int64_t space_left(void) {
  const struct fault_control* const control = fault_control();
  const int64_t left = control->limit - control->used;
  return left > 0 ? left : 0;
}

size_t space_begin(struct space_change* change, int fd, off_t offset, size_t bytes) {
  change->fd = -1;
  struct fault_control* const control = fault_control();
  struct stat status;
  const int saved = errno;
  if (control->full == 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return bytes;
  pthread_mutex_lock(&growing);
  fstat(fd, &status);
  change->fd = fd;
  change->before = taken_by(&status);
  if (offset < 0) {
    const long flags = syscall(SYS_fcntl, fd, 3 /* F_GETFL */);
    offset = (flags & 02000 /* O_APPEND */) != 0 ? status.st_size : lseek(fd, 0, SEEK_CUR);
  }
  errno = saved;
  const int64_t room = change->before + space_left() - offset;
  if (room >= (int64_t)bytes) return bytes;
  if (room > 0) return (size_t)room;
  ++control->refused;
  return 0;
}

void space_end(struct space_change* change) {
  if (change->fd < 0) return;
  struct stat status;
  const int saved = errno;
  if (fstat(change->fd, &status) == 0) fault_control()->used += taken_by(&status) - change->before;
  errno = saved;
  pthread_mutex_unlock(&growing);
}

// Before the last name of a file goes. One that is still open keeps its room on a real disk until it is closed.
void space_freed(const char* path) {
  struct fault_control* const control = fault_control();
  struct stat status;
  const int saved = errno;
  if (control->full != 0 && lstat(path, &status) == 0 && S_ISREG(status.st_mode)) control->used -= taken_by(&status);
  errno = saved;
}

#define LIMIT_FIELDS(out, unit)                                        \
  do {                                                                 \
    const uint64_t left = (uint64_t)space_left() / (unit);             \
    (out)->f_bfree = left < (out)->f_bfree ? left : (out)->f_bfree;    \
    (out)->f_bavail = left < (out)->f_bavail ? left : (out)->f_bavail; \
  } while (0)

// What the real call says, with no more room than the limit leaves.
#define DEFINE_BY_PATH(name, type, unit)                                                                        \
  FAULT_EXPORT int name(const char* path, struct type* out) {                                                   \
    int (*const real)(const char*, struct type*) = (int (*)(const char*, struct type*))dlsym(RTLD_NEXT, #name); \
    const int result = real(path, out);                                                                         \
    char absolute[FAULT_PATH_MAX];                                                                              \
    if (result == 0 && fault_covers(-100 /* AT_FDCWD */, path, absolute) && fault_control()->full != 0)         \
      LIMIT_FIELDS(out, unit);                                                                                  \
    return result;                                                                                              \
  }
#define DEFINE_BY_FD(name, type, unit)                                                              \
  FAULT_EXPORT int name(int fd, struct type* out) {                                                 \
    int (*const real)(int, struct type*) = (int (*)(int, struct type*))dlsym(RTLD_NEXT, #name);     \
    const int result = real(fd, out);                                                               \
    if (result == 0 && fault_is_covered(fd) && fault_control()->full != 0) LIMIT_FIELDS(out, unit); \
    return result;                                                                                  \
  }
DEFINE_BY_PATH(statvfs, statvfs, out->f_frsize)
DEFINE_BY_PATH(statvfs64, statvfs64, out->f_frsize)
DEFINE_BY_FD(fstatvfs, statvfs, out->f_frsize)
DEFINE_BY_FD(fstatvfs64, statvfs64, out->f_frsize)
DEFINE_BY_PATH(statfs, statfs, (uint64_t)out->f_bsize)
DEFINE_BY_PATH(statfs64, statfs64, (uint64_t)out->f_bsize)
DEFINE_BY_FD(fstatfs, statfs, (uint64_t)out->f_bsize)
DEFINE_BY_FD(fstatfs64, statfs64, (uint64_t)out->f_bsize)
