// What the test wants, and which calls it concerns.

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/fault/preload/fault.h"

#define DESCRIPTORS_MAX (1 << 20)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct fault_control* control;
static char directory[FAULT_PATH_MAX];
static size_t directory_bytes;
static _Atomic uint8_t covered[DESCRIPTORS_MAX];

static void open_control(void) {
  const char* const dir = getenv("BOBBIN_FAULT_DIR");
  const char* const path = getenv("BOBBIN_FAULT_CONTROL");
  if (dir == NULL || path == NULL) return;
  directory_bytes = strlen(dir);
  if (directory_bytes == 0 || directory_bytes >= sizeof directory) return;
  memcpy(directory, dir, directory_bytes + 1);
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  void* mapped = MAP_FAILED;
  if (fd >= 0) mapped = mmap(NULL, FAULT_CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) {
    static const char complaint[] = "fault library: BOBBIN_FAULT_CONTROL cannot be mapped\n";
    syscall(SYS_write, 2, complaint, sizeof complaint - 1);
    abort();
  }
  syscall(SYS_close, fd);
  control = mapped;
  control->held = 0;  // those that waited in a process which was killed wait no more
}

struct fault_control* fault_control(void) {
  pthread_once(&once, open_control);
  return control;
}

static bool is_below(const char* path) {
  return strncmp(path, directory, directory_bytes) == 0 &&
         (path[directory_bytes] == '/' || path[directory_bytes] == '\0');
}

// The path behind a descriptor. A file that has no name any more ends in " (deleted)".
static bool read_link(int fd, char path[FAULT_PATH_MAX]) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t bytes = syscall(SYS_readlinkat, AT_FDCWD, link, path, (size_t)(FAULT_PATH_MAX - 1));
  if (bytes <= 0) return false;
  path[bytes] = '\0';
  return true;
}

bool fault_covers(int dir_fd, const char* path, char absolute[FAULT_PATH_MAX]) {
  if (fault_control() == NULL || path == NULL || path[0] == '\0') return false;
  const int saved = errno;
  size_t bytes = 0;
  if (path[0] != '/') {
    const bool known =
        dir_fd == AT_FDCWD ? syscall(SYS_getcwd, absolute, (size_t)FAULT_PATH_MAX) > 0 : read_link(dir_fd, absolute);
    errno = saved;
    if (!known) return false;
    bytes = strlen(absolute);
    if (bytes + 1 < FAULT_PATH_MAX) absolute[bytes++] = '/';
  }
  if (bytes + strlen(path) >= FAULT_PATH_MAX) return false;
  strcpy(absolute + bytes, path);
  bytes = strlen(absolute);
  while (bytes > 1 && absolute[bytes - 1] == '/') absolute[--bytes] = '\0';
  return is_below(absolute);
}

void fault_note_open(int fd) {
  if (fd >= 0 && fd < DESCRIPTORS_MAX) covered[fd] = 1;
}
void fault_note_close(int fd) {
  if (fd >= 0 && fd < DESCRIPTORS_MAX) covered[fd] = 0;
}
bool fault_is_covered(int fd) { return fd >= 0 && fd < DESCRIPTORS_MAX && covered[fd] != 0; }

bool fault_path_of(int fd, char path[FAULT_PATH_MAX]) {
  const int saved = errno;
  const bool found = fault_is_covered(fd) && read_link(fd, path);
  errno = saved;
  return found;
}

// Whether `path` contains the pattern: its parts, between stars, in their order. An empty one fits all.
static bool fits(const char* path, const char* pattern) {
  for (;;) {
    char part[sizeof control->fail_pattern];
    const size_t length = strcspn(pattern, "*");
    if (length >= sizeof part) return false;
    memcpy(part, pattern, length);
    part[length] = '\0';
    const char* found = strstr(path, part);
    if (found == NULL) return false;
    if (pattern[length] == '\0') return true;
    path = found + length;
    pattern += length + 1;
  }
}

bool fault_strikes(enum fault_kind kind, const char* path) {
  if (!fits(path, control->fail_pattern)) return false;
  ++control->fail[kind].seen;
  int64_t left = control->fail[kind].countdown;
  while (left > 0) {
    if (!__c11_atomic_compare_exchange_strong(&control->fail[kind].countdown, &left, left - 1, __ATOMIC_SEQ_CST,
                                              __ATOMIC_SEQ_CST)) {
      continue;
    }
    if (left > 1) return false;
    ++control->fail[kind].hits;
    errno = (int)control->fail[kind].error;
    return true;
  }
  return false;
}

void fault_wait_while_held(const char* path, enum fault_hold point) {
  if (control->hold != (int64_t)point || !fits(path, control->hold_pattern)) return;
  ++control->held;
  const struct timespec pause = {.tv_nsec = 1000 * 1000};
  while (control->hold == (int64_t)point) nanosleep(&pause, NULL);
  --control->held;
}
