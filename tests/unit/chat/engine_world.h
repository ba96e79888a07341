#pragma once

#include "src/chat/engine.h"
#include "src/loop/spawn.h"
#include "tests/unit/storage/limited_disk.h"
#include "tests/unit/storage/store_fixture.h"

// A real engine on a real store and log, one loop, one thread; only the model's words are scripted, and the disk where
// it fails.
namespace bobbin::chat::test {

using store::test::LimitedDisk;
using store::test::TempDirectory;

// What one subscriber was told, and what was on disk at that moment. Outlives the world, which ends its runs.
struct Seen {
  struct Told {
    uint64_t id;
    std::string json;
    uint64_t logged_id;  // the last one in the log
    bool is_end_stored;
  };
  std::vector<Told> events;
  Uuid run_id;
  bool is_over = false;

  [[nodiscard]] std::string text() const {
    std::string out;
    for (const Told& one : events) out += one.json + "\n";
    return out;
  }
};

class Recorder final : public Subscriber {
 public:
  Recorder(store::Store& store, Seen& seen) : store_(store), seen_(seen) {}
  Appetite on_events(std::span<const Event> events) noexcept override {
    for (const Event& event : events) note(event);
    return Appetite::more;
  }
  void on_end() noexcept override { seen_.is_over = true; }

 private:
  void note(const Event& event) {
    constexpr std::string_view kField = R"("run_id":")";
    if (const size_t at = event.json.find(kField); at != std::string_view::npos) {
      seen_.run_id = Uuid::parse(event.json.substr(at + kField.size(), 36)).value_or(Uuid());
    }
    const auto logged = store_.run_log().read_events(seen_.run_id, 0, 1, 1);
    const auto run = store_.find_run("u", "t", seen_.run_id, store::Tier::any);
    seen_.events.push_back({.id = event.id,
                            .json = std::string(event.json),
                            .logged_id = logged ? logged->last_id : 0,
                            .is_end_stored = run && *run && (*run)->terminal_event_id == event.id});
  }

  store::Store& store_;
  Seen& seen_;
};

class ScriptedModel final : public upstream::Model {
 public:
  struct Call final : CancelHook {
    void say(std::string_view text) { sink->on_delta({.kind = upstream::DeltaKind::content, .text = text}); }
    void end() {
      unwatch();
      result = upstream::Answer{.finish_reason = "stop", .model = "scripted", .usage = {}, .tool_calls = {}};
      ended.complete();
    }
    void on_cancel() noexcept override {
      is_cancelled = true;
      ended.complete();
    }
    void fail_with(Code code) {
      unwatch();
      result = fail(code);
      ended.complete();
    }
    upstream::DeltaSink* sink = nullptr;
    upstream::Prompt prompt;
    bool is_cancelled = false;
    Result<upstream::Answer> result = fail(Code::cancelled);
    Completion ended;
  };
  Task<Result<upstream::Answer>> stream(upstream::Prompt prompt, upstream::DeltaSink& sink,
                                        CancelScope& scope) override {
    Call& call = *calls.emplace_back(std::make_unique<Call>());
    call.sink = &sink;
    call.prompt = std::move(prompt);
    call.watch(scope);
    co_await call.ended;
    co_return std::move(call.result);
  }
  [[nodiscard]] upstream::ModelState state() const override {
    upstream::ModelState state;
    state.language_model = is_language_model;
    return state;
  }
  bool is_language_model = true;
  std::vector<std::unique_ptr<Call>> calls;
};

inline std::atomic<int> fatal_calls{0};
inline void on_fatal(const Error&) noexcept { ++fatal_calls; }

class World {
 public:
  explicit World(EngineOptions engine_options = {}) {
    fatal_calls = 0;
    store::StoreOptions options;
    options.directory = directory_.path() + "/data";
    options.file_system = store::test::make_file_system(disk);
    options.on_fatal = on_fatal;
    store = CHECK_OK(store::Store::open(options));
    log_ = store->run_log().make_writer();
    engine.emplace(EngineParts{loop, *store, pool_, model, toolbox_, runs_, *log_}, std::move(engine_options));
  }
  ~World() {
    engine->begin_drain();
    engine->interrupt_all();
    const Completion& closed = engine->close();
    run_until([&] { return closed.is_done(); });
    loop.close();
    loop.run();
  }

  // Waits for what the loop has to do until `is_reached` holds.
  template <class Condition>
  void run_until(Condition is_reached) {
    while (!is_reached()) {
      // First what the test has begun: that may be all there is.
      loop.run_once();
      if (!is_reached()) uv_run(loop.uv(), UV_RUN_ONCE);
    }
  }
  // Submits, and goes on until the model is asked and `start` is out.
  ScriptedModel::Call& ask(Seen& seen, const std::string& thread = "t") {
    return ask(seen, Submission{.user = "u", .thread = thread, .content = "question", .model = {}});
  }
  ScriptedModel::Call& ask(Seen& seen, Submission submission) {
    const size_t before = model.calls.size();
    spawn(work_, submit(seen, std::move(submission)));
    run_until([&] { return model.calls.size() > before && !seen.events.empty(); });
    return *model.calls.back();
  }
  // Runs a task to its end.
  void run(Task<void> task) {
    bool is_done = false;
    spawn(work_, run_and_tell(std::move(task), is_done));
    run_until([&] { return is_done; });
  }
  // The end of the turn in which the caller is.
  void end_turn() { loop.run_once(); }

  LimitedDisk disk;
  std::unique_ptr<store::Store> store;
  Loop loop;
  ScriptedModel model;

 private:
  static Task<void> run_and_tell(Task<void> task, bool& is_done) {
    co_await std::move(task);
    is_done = true;
  }
  Task<void> submit(Seen& seen, Submission submission) {
    const auto result = co_await engine->submit(std::move(submission), std::make_unique<Recorder>(*store, seen));
    seen.is_over |= !result;
  }

  TempDirectory directory_;
  BlockingPool pool_{1, 64};
  tools::Toolbox toolbox_{loop};
  RunDirectory runs_;
  std::unique_ptr<store::RunLogWriter> log_;
  Gate work_;

 public:
  std::optional<Engine> engine;
};

}  // namespace bobbin::chat::test
