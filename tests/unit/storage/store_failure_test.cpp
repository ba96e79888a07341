// A disk that refuses: the limit on file sizes makes a commit fail. It happens in a child process, as the failed store
// ends it; the parent then opens what is left. Alone in its program, so that the fork comes before any thread.
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

}  // namespace

TEST_CASE(a_failed_commit_fails_its_group_tells_the_owner_once_and_ends_all_changes) {
  const TempDirectory directory;
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) _exit(child(directory));
  int status = 0;
  CHECK_EQ(waitpid(pid, &status, 0), pid);
  CHECK(WIFEXITED(status));
  CHECK_EQ(WEXITSTATUS(status), 0);
  const auto store = CHECK_OK(Store::open(options_in(directory)));
  CHECK(CHECK_OK(store->find_thread("u", "kept", Tier::any)).has_value());
  CHECK(!CHECK_OK(store->find_thread("u", "lost", Tier::any)).has_value());
}
