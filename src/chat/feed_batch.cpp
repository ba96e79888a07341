#include "src/chat/feed_batch.h"

#include <map>

#include "src/base/clock.h"
#include "src/base/json.h"
#include "src/base/limits.h"
#include "src/chat/session_json.h"

namespace bobbin::chat {
namespace {

// JSON of one batch, past which it ends with the event that passed it: titles of letters with many marks are long.
constexpr size_t kBatchBytesMax = 256 * 1024;

std::string_view event_name(store::ChangeOperation operation) noexcept {
  switch (operation) {
    case store::ChangeOperation::run_started: return "run_started";
    case store::ChangeOperation::submit_queued: return "submit_queued";
    case store::ChangeOperation::run_finished: return "run_finished";
    case store::ChangeOperation::queue_cancelled: return "queue_cancelled";
    case store::ChangeOperation::thread_deleted: return "thread_deleted";
    case store::ChangeOperation::user_threads_deleted: return "all_threads_deleted";
    case store::ChangeOperation::setting_changed: return "setting_changed";
    case store::ChangeOperation::thread_changed: return "thread_changed";
  }
  return "changed";
}

// A thread as it is now, read once for all its events of a batch.
struct Session {
  uint64_t incarnation = 0;  // 0: there is no such thread
  std::string json;
};

Result<Session> read_session(store::Store& store, const std::string& user, const std::string& thread, uint32_t keep_s) {
  Session session;
  TRY_ASSIGN(const std::optional<store::ThreadSummary> summary, store.find_thread(user, thread, store::Tier::any));
  if (!summary) return session;
  session.incarnation = summary->incarnation;
  append_session(session.json, *summary, keep_s);
  return session;
}

void append_feed_event(std::string& out, const store::FeedEvent& event, const Session* session) {
  json::Object object(out);
  object.field("type", event_name(event.operation));
  if (!event.thread.empty()) object.field("thread_id", event.thread);
  if (!event.run_id.is_zero()) object.field("run_id", event.run_id.to_string());
  append_rfc3339(object.key("timestamp").append("\""), event.at_us);
  out.push_back('"');
  if (session != nullptr) object.key("session").append(session->json);
  object.close();
}

}  // namespace

Result<FeedBatch> read_feed_batch(store::Store& store, const std::string& user, uint64_t after) {
  TRY_ASSIGN(const store::FeedPage page, store.read_feed(user, after, limits::kFeedPageEvents));
  FeedBatch batch{.lost = page.lost,
                  .is_whole = page.events.size() < limits::kFeedPageEvents,
                  .last_sequence = page.last_sequence,
                  .items = {},
                  .json = {}};
  if (page.events.empty()) return batch;
  TRY_ASSIGN(const uint32_t keep_s, store.read_keep_s(user, store::Tier::any));
  std::map<std::string_view, Session> sessions;  // named by the page's events
  for (const store::FeedEvent& event : page.events) {
    const Session* session = nullptr;
    if (!event.thread.empty()) {
      auto found = sessions.find(event.thread);
      if (found == sessions.end()) {
        TRY_ASSIGN(Session read, read_session(store, user, event.thread, keep_s));
        found = sessions.emplace(event.thread, std::move(read)).first;
      }
      // What a dead thread did says nothing of the one that has its name now.
      if (found->second.incarnation == event.incarnation && event.incarnation != 0) session = &found->second;
    }
    append_feed_event(batch.json, event, session);
    batch.items.push_back({.sequence = event.sequence, .end = batch.json.size()});
    if (batch.json.size() > kBatchBytesMax) {
      batch.is_whole = false;
      break;
    }
  }
  return batch;
}

Task<Result<FeedBatch>> FeedRead::run(BlockingPool& pool, Loop& loop) {
  CO_TRY(co_await BlockingJob::run(pool, loop));
  co_return std::move(*batch_);
}

}  // namespace bobbin::chat
