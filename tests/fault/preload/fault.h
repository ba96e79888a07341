#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// A disk that obeys a test: put under a program with LD_PRELOAD, it stands between the program and glibc's file calls,
// for the files below one directory. Everything else passes through untouched.
//
//   BOBBIN_FAULT_DIR      that directory, absolute, without symbolic links; absent: the library does nothing
//   BOBBIN_FAULT_CONTROL  a file of FAULT_CONTROL_BYTES that the test writes and this library maps: struct
//   fault_control BOBBIN_FAULT_JOURNAL  where syncs and names are recorded (journal.c); absent: nowhere
//   BOBBIN_FAULT_KEPT     a directory on the same file system, for files that lost their last name (journal.c)
//
// Every call is a system call of its own, so nothing here needs glibc to be ready, and sanitizers may intercept above.

#define FAULT_EXPORT __attribute__((visibility("default")))
#define FAULT_PATH_MAX 4096
#define FAULT_CONTROL_BYTES 512

enum fault_kind { FAULT_SYNC, FAULT_WRITE, FAULT_OPEN, FAULT_RENAME, FAULT_KINDS };

// Where a sync waits: before it is made, or when it has been made and nobody knows of it yet.
enum fault_hold { FAULT_HOLD_BEFORE = 1, FAULT_HOLD_AFTER = 2 };

// The offsets are those of tests/fault/support/faults.mjs. "by the test": only the test writes; "here": only we do.
struct fault_control {
  _Atomic int64_t hold;  // by the test: syncs of files that match hold_pattern wait while it is one of enum fault_hold
  _Atomic int64_t lie;   // by the test: syncs succeed, reach nothing and are not recorded
  _Atomic int64_t
      no_device;            // by the test: syncs are recorded but not passed on: faster, where only the journal counts
  _Atomic int64_t full;     // by the test: 1 makes `limit` count
  _Atomic int64_t limit;    // by the test: bytes that the directory's files may grow by, from the moment `full` was set
  _Atomic int64_t used;     // here: how much they grew since the program began; the test sets `limit` beside it
  _Atomic int64_t held;     // here: syncs that wait at this moment
  _Atomic int64_t refused;  // here: calls that got ENOSPC
  struct {
    _Atomic int64_t countdown;  // by the test: n makes the n-th call from now fail; then here, down to 0
    _Atomic int64_t error;      // by the test: its errno
    _Atomic int64_t hits;       // here: how many failed that way
    _Atomic int64_t seen;       // here: calls of this kind, of files that match fail_pattern
  } fail[FAULT_KINDS];
  char unused[256 - 24 * 8];
  char hold_pattern[128];  // parts of the path, in order, with stars between; empty: every file
  char fail_pattern[128];
};
_Static_assert(sizeof(struct fault_control) == FAULT_CONTROL_BYTES, "faults.mjs knows the layout");

// Null where the library has nothing to do.
struct fault_control* fault_control(void);

// `path`, of a call with a directory descriptor, as an absolute path. False: not below BOBBIN_FAULT_DIR, leave it
// alone.
bool fault_covers(int dir_fd, const char* path, char absolute[FAULT_PATH_MAX]);

// Files and directories that were opened below the directory. The path is the present one.
void fault_note_open(int fd);
void fault_note_close(int fd);
bool fault_is_covered(int fd);
bool fault_path_of(int fd, char path[FAULT_PATH_MAX]);

// Counts a call; true when it is the one to fail, with errno set.
bool fault_strikes(enum fault_kind kind, const char* path);
// Waits for as long as syncs are held at this point.
void fault_wait_while_held(const char* path, enum fault_hold point);

// journal.c. Names are changed between begin and end, one change at a time.
void journal_begin(void);
void journal_end(void);
void journal_create(const char* path, int fd);
void journal_mkdir(const char* path);
void journal_rename(const char* from, const char* to);
void journal_unlink(const char* path);
// Where the names stand, for a sync of a directory that begins now.
uint64_t journal_position(void);
void journal_directory_synced(const char* path, uint64_t position);
void journal_file_synced(int fd, int64_t bytes);

// space.c. Before a call that may grow a file: how many of `bytes` from `offset` (-1: the descriptor's place) fit; and
// afterwards. Both do nothing while the disk has no limit.
struct space_change {
  int fd;
  int64_t before;
};
size_t space_begin(struct space_change* change, int fd, off_t offset, size_t bytes);
void space_end(struct space_change* change);
void space_freed(const char* path);
int64_t space_left(void);
