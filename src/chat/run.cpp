#include "src/chat/run.h"

#include <algorithm>

namespace bobbin::chat {

void Run::publish(std::string_view json) { hand_out({++last_event_id_, json}); }

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
