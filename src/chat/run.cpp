#include "src/chat/run.h"

#include <algorithm>

namespace bobbin::chat {

void Run::publish(std::string_view json) {
  ++last_event_id_;
  if (gate_opened_.is_done()) {
    hand_out({last_event_id_, json});
  } else {
    held_back_.emplace_back(json);
  }
}

void Run::open_gate() {
  if (gate_opened_.is_done()) return;
  uint64_t id = 0;
  for (const std::string& json : held_back_) hand_out({++id, json});
  held_back_ = {};
  gate_opened_.complete();
}

void Run::notify(std::string_view json) { hand_out({0, json}); }

void Run::hand_out(const Event& event) {
  std::erase_if(subscribers_, [&](const auto& subscriber) { return !subscriber->on_event(event); });
}

void Run::end_streams() noexcept {
  for (const auto& subscriber : subscribers_) subscriber->on_end();
  subscribers_.clear();
}

void Run::cancel(Cancelled why) noexcept {
  if (cancelled_ == Cancelled::no) cancelled_ = why;
  scope.request();
}

}  // namespace bobbin::chat
