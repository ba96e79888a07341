// A disk that refuses: the limit on file sizes makes a commit fail. It happens in a child process, as the failed store
// ends it; the parent then opens what is left. Alone in its program, so that the forks come before any thread.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/storage/store_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

int fatal_calls = 0;
Code fatal_code = Code::internal;
void on_fatal(const Error& error) noexcept {
  ++fatal_calls;
  fatal_code = error.code;
}

Submit make_submit(const std::string& thread, uint32_t run) {
  Submit command;
  command.user = "u";
  command.thread = thread;
  command.run_id = run_number(run);
  command.content = "text";
  return command;
}

StoreOptions options_in(const TempDirectory& directory) {
  StoreOptions options;
  options.directory = directory.path() + "/data";
  return options;
}

// The number of the first fact that does not hold; 0 when all do.
int child(const TempDirectory& directory) {
  StoreOptions options = options_in(directory);
  options.on_fatal = on_fatal;
  auto store = Store::open(options);
  if (!store || !(*store)->execute(make_submit("kept", 1))) return 1;
  signal(SIGXFSZ, SIG_IGN);
  const rlimit tiny{.rlim_cur = 16, .rlim_max = RLIM_INFINITY};
  if (setrlimit(RLIMIT_FSIZE, &tiny) != 0) return 2;
  const auto lost = (*store)->execute(make_submit("lost", 2));
  if (lost || lost.error().code != Code::io) return 3;
  const auto refused = (*store)->execute(make_submit("lost", 3));
  if (refused || refused.error().code != Code::io) return 4;
  (*store)->close();
  if (fatal_calls != 1 || fatal_code != Code::io) return 5;
  if ((*store)->state().serving) return 6;
  store->reset();
  return 0;
}

// Opens where a run was active and the disk has no room for its end.
int child_that_cannot_recover(const TempDirectory& directory) {
  signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY};
  if (setrlimit(RLIMIT_FSIZE, &small) != 0) return 1;
  StoreOptions options = options_in(directory);
  options.on_fatal = on_fatal;
  const auto store = Store::open(options);
  if (store) return 2;
  if (store.error().code != Code::io) return 3;
  return fatal_calls == 0 ? 0 : 4;
}

// What `body` gives in a process of its own.
int run_in_child(int (*body)(const TempDirectory&), const TempDirectory& directory) {
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) _exit(body(directory));
  int status = 0;
  CHECK_EQ(waitpid(pid, &status, 0), pid);
  CHECK(WIFEXITED(status));
  return WEXITSTATUS(status);
}

// Whose end takes more room than the limit of the others.
int child_with_a_run(const TempDirectory& directory) {
  auto store = Store::open(options_in(directory));
  if (!store || !(*store)->execute(make_submit("t", 1))) return 1;
  const auto log = (*store)->run_log().make_writer();
  log->append(run_number(1), 1, RunLogKind::token, std::string(2 << 20, 'x'));
  return log->flush() ? 0 : 2;
}

}  // namespace

// Before the other test, as that one opens a store in this process.
TEST_CASE(a_disk_that_fails_while_opening_is_an_error_and_the_next_opening_does_the_work) {
  const TempDirectory directory;
  CHECK_EQ(run_in_child(child_with_a_run, directory), 0);
  CHECK_EQ(run_in_child(child_that_cannot_recover, directory), 0);
  CHECK_EQ(run_in_child(child_that_cannot_recover, directory), 0);
  CHECK_EQ(run_in_child(
               [](const TempDirectory& at) {
                 const auto store = Store::open(options_in(at));
                 if (!store) return 1;
                 const auto found = (*store)->find_run("u", "t", run_number(1), Tier::any);
                 return found && *found && (*found)->state == RunState::interrupted ? 0 : 2;
               },
               directory),
           0);
}

TEST_CASE(a_failed_commit_fails_its_group_tells_the_owner_once_and_ends_all_changes) {
  const TempDirectory directory;
  CHECK_EQ(run_in_child(child, directory), 0);
  const auto store = CHECK_OK(Store::open(options_in(directory)));
  CHECK(CHECK_OK(store->find_thread("u", "kept", Tier::any)).has_value());
  CHECK(!CHECK_OK(store->find_thread("u", "lost", Tier::any)).has_value());
}
