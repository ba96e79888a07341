#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "src/chat/run_directory.h"
#include "src/loop/cancel.h"
#include "src/loop/gate.h"
#include "src/loop/loop.h"
#include "src/loop/offload.h"
#include "src/loop/task.h"
#include "src/upstream/model.h"
#include "storage/store.h"

namespace bobbin::chat {

// What the model is asked beside all runs, for a thread: nobody waits for it, and nothing is lost without it. On the
// worker's loop.
class Asides {
 public:
  // `directory` knows them by `engine`; `work` counts them. All outlive this.
  Asides(RunDirectory& directory, Engine& engine, Gate& work) : directory_(directory), engine_(engine), work_(work) {}
  Asides(const Asides&) = delete;
  Asides& operator=(const Asides&) = delete;
  // None is under way.
  ~Asides();

  // Ends soon after the scope was asked to cancel. Lives until its task has ended.
  using Work = std::function<Task<void>(CancelScope& scope)>;
  // Unless the same is under way on some worker, `count_max` of its kind are here, or close() was called.
  void begin(const RunDirectory::Aside& aside, size_t count_max, Work work);
  // The one that is under way, if it is.
  void cancel(const RunDirectory::Aside& aside) noexcept;
  // Cancels all; nothing begins any more.
  void close() noexcept;

 private:
  struct UnderWay {
    RunDirectory::Aside aside;
    Work work;
    CancelScope scope;
  };
  Task<void> run(UnderWay& one);

  RunDirectory& directory_;
  Engine& engine_;
  Gate& work_;
  std::map<RunDirectory::Aside, std::unique_ptr<UnderWay>> under_way_;
  bool is_closed_ = false;
};

// What makes of such an answer what is kept works with these. All of it outlives the maker.
struct AsideParts {
  Loop& loop;
  store::Store& store;
  BlockingPool& pool;
  upstream::Model& model;
  Asides& asides;
};

// Asks for a reply that `is_enough` may end early: then what came so far is the reply. No server has to know a limit of
// tokens, under which some know another name, and of which thoughts may leave nothing. Errors: those of Model::stream;
// upstream_timeout also after `timeout_ms`, and where the model only thinks.
Task<Result<std::string>> ask_aside(Loop& loop, upstream::Model& model, upstream::Prompt prompt, uint32_t timeout_ms,
                                    std::function<bool(std::string_view)> is_enough, CancelScope& scope);

}  // namespace bobbin::chat
