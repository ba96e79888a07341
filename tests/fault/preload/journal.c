// What a power cut would leave: a line for each change of a name and each sync that succeeded, in order. The fields are
// apart by tabs; tests/fault/support/power.mjs reads them.
//
//   create POSITION INODE PATH      a file that was not there (or was emptied by O_TRUNC: `empty`)
//   mkdir POSITION PATH
//   rename POSITION FROM TO KEPT    KEPT: the inode that TO named before, 0 for none; it stays under BOBBIN_FAULT_KEPT
//   unlink POSITION PATH KEPT
//   dirsync POSITION PATH           all changes of names in PATH up to POSITION are on disk
//   sync INODE BYTES                the first BYTES of the file are on disk
//
// rename and unlink are written before they happen, under one lock: who is killed in between leaves the old name.

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/fault/preload/fault.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t names = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;
static const char* kept_directory;
static _Atomic uint64_t position;

static void open_journal(void) {
  const char* const path = getenv("BOBBIN_FAULT_JOURNAL");
  kept_directory = getenv("BOBBIN_FAULT_KEPT");
  if (path == NULL || kept_directory == NULL) return;
  journal = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static bool is_open(void) {
  pthread_once(&once, open_journal);
  return journal >= 0;
}

__attribute__((format(printf, 1, 2))) static void append(const char* format, ...) {
  char line[3 * FAULT_PATH_MAX];
  va_list arguments;
  va_start(arguments, format);
  const int bytes = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  const int saved = errno;
  if (bytes <= 0 || (size_t)bytes >= sizeof line || syscall(SYS_write, journal, line, (size_t)bytes) != bytes) abort();
  errno = saved;
}

// Gives the file at `path` a name in the directory of kept files, so that its bytes and its inode number stay.
static uint64_t keep(const char* path) {
  struct stat status;
  char kept[FAULT_PATH_MAX + 32];
  const int saved = errno;
  uint64_t inode = 0;
  if (lstat(path, &status) == 0 && S_ISREG(status.st_mode)) {
    inode = status.st_ino;
    snprintf(kept, sizeof kept, "%s/%llu", kept_directory, (unsigned long long)inode);
    syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, kept, 0);
  }
  errno = saved;
  return inode;
}

void journal_begin(void) { pthread_mutex_lock(&names); }
void journal_end(void) { pthread_mutex_unlock(&names); }

void journal_create(const char* path, int fd) {
  struct stat status;
  if (!is_open() || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return;
  append("create\t%llu\t%llu\t%s\n", (unsigned long long)++position, (unsigned long long)status.st_ino, path);
}

void journal_mkdir(const char* path) {
  if (is_open()) append("mkdir\t%llu\t%s\n", (unsigned long long)++position, path);
}

void journal_rename(const char* from, const char* to) {
  if (!is_open()) return;
  const unsigned long long lost = keep(to);
  append("rename\t%llu\t%s\t%s\t%llu\n", (unsigned long long)++position, from, to, lost);
}

void journal_unlink(const char* path) {
  if (!is_open()) return;
  const unsigned long long lost = keep(path);
  append("unlink\t%llu\t%s\t%llu\n", (unsigned long long)++position, path, lost);
}

uint64_t journal_position(void) {
  journal_begin();
  const uint64_t now = position;
  journal_end();
  return now;
}

void journal_directory_synced(const char* path, uint64_t up_to) {
  if (is_open()) append("dirsync\t%llu\t%s\n", (unsigned long long)up_to, path);
}

void journal_file_synced(int fd, int64_t bytes) {
  struct stat status;
  if (!is_open() || fstat(fd, &status) != 0) return;
  append("sync\t%llu\t%lld\n", (unsigned long long)status.st_ino, (long long)bytes);
}
