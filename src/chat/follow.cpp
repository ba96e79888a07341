// Readers of runs: live, on another worker, or from the log of a run that has ended.

#include <algorithm>

#include "src/chat/engine.h"
#include "src/loop/sleep.h"
#include "src/loop/spawn.h"
#include "src/store/store_op.h"

namespace bobbin::chat {
namespace {

// A run that the store knows as active and no worker holds is on its way from one to another.
constexpr uint64_t kHandoverWaitMs = 2;
constexpr int kHandoverWaitsMax = 2500;
constexpr size_t kReplayEventsMax = 2048;

// Waits for the end of a run and reads nothing of it. `ended` is complete when it goes, for whatever reason.
class EndWatch final : public Subscriber {
 public:
  explicit EndWatch(Completion& ended) : ended_(ended) {}
  ~EndWatch() override { ended_.complete(); }
  Appetite on_events(std::span<const Event>) noexcept override { return Appetite::more; }
  void on_end() noexcept override {}  // it goes right after

 private:
  Completion& ended_;
};

bool has_ended(store::RunState state) { return state != store::RunState::queued && state != store::RunState::running; }

}  // namespace

// Asks another worker's engine for the events of a run that it holds. Frees itself.
struct Engine::AttachMail final : Mail {
  explicit AttachMail(Engine& engine_in) : engine(engine_in) {}
  void deliver() noexcept override {
    const std::unique_ptr<AttachMail> self(this);
    Run* run = engine.find_run(run_id);
    if (run == nullptr) return RelayWriter::tell_lost(*pipe);
    run->attach(std::make_unique<RelayWriter>(std::move(pipe), engine.parts_.loop), options);
  }
  Engine& engine;
  Uuid run_id;
  Run::AttachOptions options;
  std::shared_ptr<RelayPipe> pipe;
};

// A source whose events are of a run that has ended, at the pace of its subscriber.
class Engine::Replay final : private EventSource {
 public:
  Replay(Engine& engine, std::unique_ptr<Subscriber> subscriber) : engine_(engine), subscriber_(std::move(subscriber)) {
    subscriber_->bind(*this);
    engine_.replays_.push_back(this);
  }
  ~Replay() { std::erase(engine_.replays_, this); }

  // False: nobody reads any more.
  Task<bool> hand_out(std::span<const Event> events) {
    if (subscriber_ == nullptr) co_return false;
    const Appetite appetite = subscriber_->on_events(events);
    if (appetite == Appetite::gone) subscriber_.reset();
    if (appetite == Appetite::enough) {
      room_.reset();
      co_await room_;
    }
    co_return subscriber_ != nullptr;
  }
  // All events after the one with the id `after`. False: nobody reads any more.
  Task<bool> hand_out(const Journal& journal, uint64_t after) {
    JournalRound round;
    bool is_read = true;
    for (Journal::Place place = journal.place_after(after); is_read && place.id < journal.last_id();)
      is_read = co_await hand_out(round.render(journal, place, journal.last_id(), Subscriber::kRoundBytesMax));
    co_return is_read;
  }
  void end() noexcept {
    if (subscriber_ != nullptr) std::exchange(subscriber_, nullptr)->on_end();
  }
  // The server ends: the client comes back for the rest.
  void cancel() noexcept {
    end();
    wake();
  }

 private:
  void wake() noexcept {
    if (!room_.is_done()) room_.complete();
  }
  void on_hungry(Subscriber&) noexcept override { wake(); }
  void on_gone(Subscriber&) noexcept override {
    subscriber_.reset();
    wake();
  }

  Engine& engine_;
  std::unique_ptr<Subscriber> subscriber_;
  Completion room_;
};

Task<Result<bool>> Engine::follow(FollowRequest request, std::unique_ptr<Subscriber> subscriber) {
  if (!request.run_id) {
    CO_TRY_ASSIGN(const store::ThreadSummary summary, co_await find_summary(request));
    if (summary.newest_run.is_zero()) co_return false;
    request.run_id = summary.newest_run;
  }
  for (int waits = 0; waits < kHandoverWaitsMax; ++waits) {
    CO_TRY_ASSIGN(std::optional<store::RunInfo> info, co_await find_run_info(request));
    if (!info) co_return fail(Code::not_found, 0, "no such run in this thread");
    if (has_ended(info->state)) {
      Terminal terminal{info->terminal_event_id, std::move(info->terminal_event)};
      spawn(work_, replay(std::move(request), info->answer_order, std::move(terminal), std::move(subscriber)));
      co_return true;
    }
    if (draining_) co_return fail(Code::draining, 0, "the server is shutting down; try again in a moment");
    CO_TRY_ASSIGN(const bool found, co_await follow_live(request, *info, subscriber));
    if (found) co_return true;
    CancelScope unending;
    SleepOp pause(parts_.loop, unending, kHandoverWaitMs);
    CO_TRY(co_await pause.run());
  }
  co_return fail(Code::overloaded, 0, "the run is not to be found; try again in a moment");
}

Task<Result<store::ThreadSummary>> Engine::find_summary(const FollowRequest& request) {
  store::StoreRead find(parts_.pool, parts_.loop,
                        [&](store::Tier tier) { return parts_.store.find_thread(request.user, request.thread, tier); });
  CO_TRY_ASSIGN(std::optional<store::ThreadSummary> summary, co_await find.run());
  if (!summary) co_return fail(Code::not_found, 0, "no such thread");
  co_return std::move(*summary);
}

Task<Result<std::optional<store::RunInfo>>> Engine::find_run_info(const FollowRequest& request) {
  store::StoreRead find(parts_.pool, parts_.loop, [&](store::Tier tier) {
    return parts_.store.find_run(request.user, request.thread, *request.run_id, tier);
  });
  co_return co_await find.run();
}

Task<Result<bool>> Engine::follow_live(const FollowRequest& request, const store::RunInfo& info,
                                       std::unique_ptr<Subscriber>& subscriber) {
  const Uuid run_id = *request.run_id;
  const Run::AttachOptions options{.after = request.after, .queued_position = info.position, .stops_when_gone = false};
  RelayReader* reader = nullptr;
  if (relay(run_id, options, subscriber, &reader)) {
    co_await reader->answered();
    if (!reader->is_lost()) co_return true;
    subscriber = reader->take_subscriber();
    relays_.erase(reader);
    co_return false;
  }
  if (find_run(run_id) == nullptr) {
    // Queued before a restart: whoever asks for it holds it until its turn, unless that has come in the meantime.
    if (info.state != store::RunState::queued ||
        !parts_.directory.add_if_absent(run_id, *this, request.user, request.thread))
      co_return false;
    Run& held = hold_run(run_id, request.user, request.thread);
    held.state = Run::State::queued;
    held.open_gate();
    CO_TRY_ASSIGN(const std::optional<store::RunInfo> now, co_await find_run_info(request));
    Run* const run = find_run(run_id);
    if (run == nullptr) co_return false;
    if (run->state == Run::State::queued && (!now || now->state != store::RunState::queued)) {
      run->end_streams();
      remove_run(run_id);
      co_return false;
    }
  }
  find_run(run_id)->attach(std::move(subscriber), options);
  co_return true;
}

bool Engine::relay(const Uuid& run_id, const Run::AttachOptions& options, std::unique_ptr<Subscriber>& subscriber,
                   RelayReader** reader) {
  bool is_elsewhere = false;
  parts_.directory.with_engine_of(run_id, [&](Engine* engine) {
    is_elsewhere = engine != nullptr && engine != this;
    if (!is_elsewhere) return;
    auto relay_reader = std::make_unique<RelayReader>(parts_.loop, std::move(subscriber),
                                                      [this](RelayReader& done) { relays_.erase(&done); });
    auto mail = std::make_unique<AttachMail>(*engine);
    mail->run_id = run_id;
    mail->options = options;
    mail->pipe = relay_reader->pipe();
    *reader = relay_reader.get();
    relays_.emplace(*reader, std::move(relay_reader));
    engine->parts_.loop.mailbox().post(*mail.release());
  });
  return is_elsewhere;
}

Task<void> Engine::replay(FollowRequest request, uint64_t answer_order, Terminal terminal,
                          std::unique_ptr<Subscriber> subscriber, std::shared_ptr<const Journal> journal) {
  Replay source(*this, std::move(subscriber));
  uint64_t after = request.after == kFromNow ? terminal.id - 1 : request.after;
  bool is_read = true;
  if (journal != nullptr) {
    is_read = co_await source.hand_out(*journal, after);
    after = terminal.id - 1;
    journal.reset();
  }
  store::RunLog::Place place;
  while (is_read && after + 1 < terminal.id) {
    store::StoreRead read(parts_.pool, parts_.loop, [&](store::Tier tier) -> Result<store::LoggedEvents> {
      if (tier == store::Tier::memory_only) return fail(Code::would_block, 0, "the run log is on disk");
      return parts_.store.run_log().read_events(*request.run_id, after, kReplayEventsMax, Subscriber::kRoundBytesMax,
                                                &place);
    });
    Result<store::LoggedEvents> logged = co_await read.run();
    if (!logged || logged->events.empty()) break;
    std::vector<std::string> jsons(logged->events.size());
    std::vector<Event> events;
    for (size_t i = 0; i < jsons.size() && logged->events[i].id < terminal.id; ++i) {
      append_logged_event(jsons[i], logged->events[i].kind, logged->events[i].bytes);
      events.push_back({logged->events[i].id, jsons[i]});
      after = events.back().id;
    }
    is_read = co_await source.hand_out(events);
  }
  // The log is gone, or a part of it; or the client knows of more than there is: a tail that a power cut took.
  if (is_read && (after + 1 < terminal.id || after > terminal.id)) {
    after = terminal.id - 1;
    const std::string json = co_await read_resync(request, answer_order);
    const Event resync{after, json};
    is_read = co_await source.hand_out({&resync, 1});
  }
  if (is_read && after < terminal.id) {
    const Event end{terminal.id, terminal.json};
    co_await source.hand_out({&end, 1});
  }
  source.end();
}

void Engine::cancel_replays() noexcept {
  for (Replay* replay : std::vector<Replay*>(replays_)) replay->cancel();
}

Task<std::string> Engine::read_resync(const FollowRequest& request, uint64_t answer_order) {
  store::StoreRead read(parts_.pool, parts_.loop, [&](store::Tier tier) {
    return parts_.store.find_message(request.user, request.thread, answer_order, tier);
  });
  const Result<std::optional<store::Message>> message = co_await read.run();
  co_return resync_event(request.thread, *request.run_id, message && *message ? &**message : nullptr);
}

Task<Result<Stopped>> Engine::stop(std::string user, std::string thread, std::optional<Uuid> run_id) {
  FollowRequest request{.user = std::move(user), .thread = std::move(thread), .run_id = run_id, .after = kFromNow};
  if (!run_id) {
    CO_TRY_ASSIGN(const store::ThreadSummary summary, co_await find_summary(request));
    request.run_id = summary.active_run.is_zero() ? summary.newest_run : summary.active_run;
    if (request.run_id->is_zero()) co_return Stopped{};
  }
  CO_TRY_ASSIGN(std::optional<store::RunInfo> info, co_await find_run_info(request));
  if (!info) co_return fail(Code::not_found, 0, "no such run in this thread");
  if (has_ended(info->state)) co_return Stopped{.stopped = false, .last_event_id = info->terminal_event_id};
  if (info->state == store::RunState::queued) {
    CO_TRY_ASSIGN(const bool found, co_await cancel_queued(request.user, request.thread, *request.run_id));
    if (found) co_return Stopped{.stopped = true, .last_event_id = kCancelledEventId};
    // Its turn has come meanwhile.
  }
  Completion ended;
  CO_TRY_ASSIGN(const bool is_followed, co_await follow(request, std::make_unique<EndWatch>(ended)));
  BOBBIN_ASSERT(is_followed);
  dispatch_cancel(*request.run_id, Run::Cancelled::stopped);
  co_await ended;
  CO_TRY_ASSIGN(info, co_await find_run_info(request));
  if (!info) co_return fail(Code::gone, 0, "the thread was deleted");
  co_return Stopped{.stopped = info->state == store::RunState::stopped, .last_event_id = info->terminal_event_id};
}

}  // namespace bobbin::chat
