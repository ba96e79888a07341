#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "bench/storage_pipeline.h"

// The load that benchmarks of the store share: questions of 120 bytes, answers of 600, 64 who talk at once.
namespace bobbin::store {

inline const std::string kQuestion(120, 'q');
inline const std::string kAnswer(600, 'a');
inline constexpr size_t kWriters = 64;

inline Submit question(const std::string& user, const std::string& thread) {
  Submit submit;
  submit.user = user;
  submit.thread = thread;
  submit.run_id = make_uuid_v7(static_cast<uint64_t>(wall_now_us()));
  submit.content = kQuestion;
  submit.created_us = wall_now_us();
  return submit;
}

inline FinishRun answer(const Submit& submit, uint64_t incarnation) {
  FinishRun finish;
  finish.user = submit.user;
  finish.thread = submit.thread;
  finish.incarnation = incarnation;
  finish.run_id = submit.run_id;
  finish.answer.emplace().content = kAnswer;
  finish.terminal_event = R"({"type":"done"})";
  finish.terminal_event_id = 100;
  return finish;
}

// One who sends a message as soon as the last one is durable: question, answer, question …
class Talker final : public Operation {
 public:
  Talker(Store& store, size_t number, int round, std::atomic<int64_t>& left, std::atomic<size_t>& done)
      : Operation(question("user" + std::to_string(number), "thread" + std::to_string(round))),
        store_(store),
        left_(left),
        done_(done) {
    asked_ = std::get<Submit>(command);
  }
  void begin() { must(store_.submit(*this), "submit"); }
  void on_committed(Result<Reply> reply) noexcept override {
    if (!reply) give_up("command", reply.error());
    if (left_.fetch_sub(1) <= 0) {
      done_.fetch_add(1);
      done_.notify_one();
      return;
    }
    if (const auto* submitted = std::get_if<Submitted>(&*reply)) {
      command = answer(asked_, submitted->incarnation);
    } else {
      asked_ = question(asked_.user, asked_.thread);
      command = asked_;
    }
    begin();
  }

 private:
  Store& store_;
  std::atomic<int64_t>& left_;
  std::atomic<size_t>& done_;
  Submit asked_;
};

// `round`: with threads of their own, as some end in the middle of a turn.
inline double store_messages_per_s(Store& store, int64_t count, int round) {
  std::atomic<int64_t> left{count};
  std::atomic<size_t> done{0};
  std::vector<std::unique_ptr<Talker>> talkers;
  for (size_t i = 0; i < kWriters; ++i) talkers.push_back(std::make_unique<Talker>(store, i, round, left, done));
  const double us = microseconds([&] {
    for (const auto& talker : talkers) talker->begin();
    for (size_t now = done; now < kWriters; now = done) done.wait(now);
  });
  // Those that were under way when the count was reached are not counted, but their time is.
  return static_cast<double>(count) / us * 1e6;
}

}  // namespace bobbin::store
