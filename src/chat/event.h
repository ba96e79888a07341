#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/uuid.h"
#include "storage/run_log.h"
#include "storage/types.h"

// The events of a run, as one JSON object each (api.md, "The stream").
namespace bobbin::chat {

struct Event {
  uint64_t id;            // counts from 1 in its run; 0: not part of the run's log, sent without an id
  std::string_view json;  // one line; valid during the call that hands it over
};

std::string start_event(std::string_view thread, const Uuid& user_message_id, const Uuid& message_id,
                        const Uuid& run_id);
std::string queued_event(std::string_view thread, const Uuid& run_id, uint32_t position);
void append_token_event(std::string& out, std::string_view text);
void append_reasoning_event(std::string& out, std::string_view text);
// The event that the run log has as `logged`.
void append_logged_event(std::string& out, store::RunLogKind kind, std::string_view logged);
std::string status_event(std::string_view text);
// `state`: running, done or failed. `summary` may be empty.
std::string tool_event(std::string_view name, std::string_view state, std::string_view summary);

// The thread has a better title, which is stored.
std::string title_event(std::string_view thread, std::string_view title);

// Instead of the events that are not there any more: the answer as far as it is known. Null: there is none.
std::string resync_event(std::string_view thread, const Uuid& run_id, const store::Message* message);

// The four ends.
std::string done_event(std::string_view thread, const Uuid& message_id, std::string_view finish_reason,
                       const std::optional<store::Usage>& usage);
std::string error_event(std::string_view text, std::string_view code);
// `message_id` zero: nothing was kept.
std::string stopped_event(std::string_view reason, std::string_view thread = {}, const Uuid& message_id = {});
std::string interrupted_event();

}  // namespace bobbin::chat
