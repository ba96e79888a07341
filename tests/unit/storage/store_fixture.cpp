#include "tests/unit/storage/store_fixture.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "storage/types.h"

namespace bobbin::store::test {

TempDirectory::TempDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "bobbin-storage-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = pattern;
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;  // a left-over directory is no failure of the test
  std::filesystem::remove_all(path_, ignored);
}

Result<void> Fixture::try_open() {
  options.directory = directory.path() + "/data";
  options.wall_clock = fake_wall;
  options.steady_clock = fake_steady;
  TRY_ASSIGN(store, Store::open(options));
  return {};
}

void Fixture::abandon() {
  // A change that fails: the store then knows that its files must not be touched again.
  Submit last;
  last.user = last.thread = "last";
  last.run_id = make_uuid_v4();
  // A store that a late failure has made read-only refuses without looking, until it tries again a second later.
  Result<Reply> refused = store->execute(last);
  for (int tries = 0; tries < 100 && !refused && refused.error().code == Code::storage_full; ++tries) {
    advance_us(1'000'000);
    refused = store->execute(last);
  }
  CHECK_FAILS(refused, Code::io);
  store.reset();
}

std::vector<std::string> files_with(const std::string& directory, const std::string& word) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (bytes.find(word) != std::string::npos) found.push_back(entry.path().string());
  }
  return found;
}

Result<Submitted> Fixture::submit(Submit command) {
  if (command.run_id.is_zero()) command.run_id = run_number(++runs_made);
  auto reply = store->execute(std::move(command));
  if (!reply) return fail(reply.error());
  return std::get<Submitted>(std::move(*reply));
}

Submitted Fixture::submit(const std::string& user, const std::string& thread, const std::string& content) {
  Submit command;
  command.user = user;
  command.thread = thread;
  command.content = content;
  command.created_us = fake_wall();
  return CHECK_OK(submit(std::move(command)));
}

Finished Fixture::finish(const StartedRun& run, const std::string& answer, bool start_next) {
  FinishRun command;
  command.user = run.user;
  command.thread = run.thread;
  command.incarnation = run.incarnation;
  command.run_id = run.run_id;
  command.answer.emplace().content = answer;
  command.terminal_event = R"({"type":"done"})";
  command.terminal_event_id = 7;
  command.start_next = start_next;
  return std::get<Finished>(CHECK_OK(store->execute(std::move(command))));
}

Finished Fixture::end_without_answer(const StartedRun& run, RunOutcome outcome, bool start_next) {
  FinishRun command;
  command.user = run.user;
  command.thread = run.thread;
  command.incarnation = run.incarnation;
  command.run_id = run.run_id;
  command.outcome = outcome;
  command.terminal_event = R"({"type":"error"})";
  command.terminal_event_id = 2;
  command.start_next = start_next;
  return std::get<Finished>(CHECK_OK(store->execute(std::move(command))));
}

void Fixture::turn(const std::string& user, const std::string& thread, const std::string& question,
                   const std::string& answer) {
  const Submitted submitted = submit(user, thread, question);
  CHECK(submitted.run.has_value());
  CHECK(finish(*submitted.run, answer).applied);
}

Result<Deleted> Fixture::delete_thread(const std::string& user, const std::string& thread) {
  auto reply = store->execute(DeleteThread{user, thread});
  if (!reply) return fail(reply.error());
  return std::get<Deleted>(std::move(*reply));
}

Plug::Plug(Store& store) : Operation(StartNext{"plug", "no such thread"}) {
  CHECK_OK(store.submit(*this));
  wait_for(State::holding);
}

void Plug::on_committed(Result<Reply>) noexcept {
  move_to(State::holding);
  wait_for(State::released);
  move_to(State::done);  // nothing of this object is touched after it: see move_to()
}

void Plug::release() {
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::done) return;
  }
  move_to(State::released);
  wait_for(State::done);
}

void Plug::wait_for(State state) {
  std::unique_lock lock(mutex_);
  moved_.wait(lock, [&] { return state_ == state; });
}

// Under the lock: who waits cannot destroy the object before the notification is over.
void Plug::move_to(State state) {
  const std::lock_guard lock(mutex_);
  state_ = state;
  moved_.notify_all();
}

HistoryPage Fixture::page(const std::string& user, const std::string& thread, uint32_t limit,
                          std::optional<HistoryCursor> cursor) {
  return CHECK_OK(store->read_history(
      {.user = user, .thread = thread, .limit = limit, .bytes_max = size_t{16} << 20, .cursor = cursor}, Tier::any));
}

std::vector<std::string> Fixture::history(const std::string& user, const std::string& thread, uint32_t limit) {
  std::vector<std::string> contents;
  std::optional<HistoryCursor> cursor;
  do {
    HistoryPage one = page(user, thread, limit, cursor);
    CHECK(one.messages.size() <= limit);
    for (const MessageView& message : one.messages) contents.emplace(contents.begin(), message.content);
    cursor = one.next;
    if (cursor) cursor = CHECK_OK(parse_history_cursor(format_history_cursor(*cursor, user, thread), user, thread));
  } while (cursor);
  return contents;
}

std::vector<std::string> Fixture::sessions(const std::string& user, uint32_t limit) {
  std::vector<std::string> threads;
  std::optional<SessionsCursor> cursor;
  do {
    const SessionsPage one = CHECK_OK(store->list_sessions(
        {.user = user, .limit = limit, .bytes_max = size_t{16} << 20, .cursor = cursor}, Tier::any));
    CHECK(one.sessions.size() <= limit);
    for (const ThreadSummary& summary : one.sessions) threads.push_back(summary.thread);
    cursor = one.next;
    if (cursor) cursor = CHECK_OK(parse_sessions_cursor(format_sessions_cursor(*cursor, user), user));
  } while (cursor);
  return threads;
}

}  // namespace bobbin::store::test
