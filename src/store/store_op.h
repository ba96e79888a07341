#pragma once

#include <optional>

#include "src/loop/completion.h"
#include "src/loop/loop.h"
#include "src/loop/offload.h"
#include "src/loop/task.h"
#include "storage/store.h"

// The store, as coroutines on a loop see it.
namespace bobbin::store {

// One command: `StoreOp submit(store, loop, std::move(command)); CO_TRY_ASSIGN(auto reply, co_await submit.run());`
// The operation stays where it is until run() has ended; it is not cancellable, since a command that was taken will
// happen.
class StoreOp final : private Operation, private Mail {
 public:
  StoreOp(Store& store, Loop& loop, Command command) : Operation(std::move(command)), store_(store), loop_(loop) {}

  // Resumes after the fsync. Errors: those of the command, and of Store::submit.
  Task<Result<Reply>> run();

 private:
  void on_committed(Result<Reply> reply) noexcept override;
  void deliver() noexcept override { committed_.complete(); }

  Store& store_;
  Loop& loop_;
  std::optional<Result<Reply>> reply_;
  Completion committed_;
};

// A Submit whose run may begin its invisible work before the message is on disk:
//
//   SubmitOp submit(store, loop, std::move(command));
//   CO_TRY(submit.begin());
//   if (co_await submit.applied()) … submit.started() …
//   CO_TRY_ASSIGN(auto submitted, co_await submit.committed());
//
// Once begun, committed() is awaited before the operation goes.
class SubmitOp final : private Operation {
 public:
  SubmitOp(Store& store, Loop& loop, Submit command)
      : Operation(std::move(command)), store_(store), loop_(loop), applied_mail_(*this), committed_mail_(*this) {}

  // Errors: those of Store::submit.
  Result<void> begin() { return store_.submit(*this); }
  // True: the turn has come at once; started() says what was fixed, and NOTHING of it may be seen outside yet.
  Task<bool> applied();
  [[nodiscard]] const StartedRun& started() const { return *started_; }
  // Resumes after the fsync. Errors: those of the command.
  Task<Result<Submitted>> committed();

 private:
  struct AppliedMail final : Mail {
    explicit AppliedMail(SubmitOp& op_in) : op(op_in) {}
    void deliver() noexcept override { op.applied_.complete(); }
    SubmitOp& op;
  };
  struct CommittedMail final : Mail {
    explicit CommittedMail(SubmitOp& op_in) : op(op_in) {}
    void deliver() noexcept override { op.deliver_committed(); }
    SubmitOp& op;
  };
  void on_applied(const Reply& reply) noexcept override;
  void on_committed(Result<Reply> reply) noexcept override;
  void deliver_committed() noexcept;

  Store& store_;
  Loop& loop_;
  AppliedMail applied_mail_;
  CommittedMail committed_mail_;
  std::optional<StartedRun> started_;
  std::optional<Result<Reply>> reply_;
  Completion applied_;
  Completion committed_;
};

// One query: tried on the loop with what is in memory, on the pool when that is not enough.
// `read(tier)` gives a Result and touches only what it owns or what outlives run().
//
//   StoreRead read(pool, loop, [&](Tier tier) { return store.read_history(query, tier); });
//   CO_TRY_ASSIGN(const store::HistoryPage page, co_await read.run());
template <class Read>
class StoreRead final : private BlockingJob {
 public:
  using Answer = std::invoke_result_t<Read&, Tier>;

  StoreRead(BlockingPool& pool, Loop& loop, Read read) : pool_(pool), loop_(loop), read_(std::move(read)) {}

  Task<Answer> run() {
    Answer answer = read_(Tier::memory_only);
    if (answer.has_value() || answer.error().code != Code::would_block) co_return answer;
    CO_TRY(co_await BlockingJob::run(pool_, loop_));
    co_return std::move(*answer_);
  }

 private:
  void work() noexcept override { answer_.emplace(read_(Tier::any)); }

  BlockingPool& pool_;
  Loop& loop_;
  Read read_;
  std::optional<Answer> answer_;
};

}  // namespace bobbin::store
