#include "src/chat/session_json.h"

#include "src/base/clock.h"
#include "src/base/json.h"
#include "storage/retention.h"

namespace bobbin::chat {

void append_session(std::string& out, const store::ThreadSummary& thread, uint32_t keep_s) {
  json::Object object(out);
  object.field("id", thread.thread).field("title", thread.title).field("preview", thread.preview);
  append_rfc3339(object.key("timestamp").append("\""), thread.updated_us);
  out.push_back('"');
  append_rfc3339(object.key("created_at").append("\""), thread.created_us);
  out.push_back('"');
  object.number("message_count", thread.message_count);
  if (const uint32_t kept_s = store::shortest_keep_s(thread.keep_s, keep_s, 0); kept_s != 0) {
    append_rfc3339(object.key("expires_at").append("\""), thread.updated_us + int64_t{kept_s} * 1'000'000);
    out.push_back('"');
  }
  if (!thread.active_run.is_zero()) object.field("active_run", thread.active_run.to_string());
  object.close();
}

}  // namespace bobbin::chat
