#pragma once

#include <string>
#include <string_view>
#include <vector>

// A second reader of event streams, of WHATWG HTML's "Interpreting an event stream" word by word, over a whole stream.
namespace bobbin::fuzz {

struct PlainEvent {
  std::string type;
  std::string data;
  std::string id;
  friend bool operator==(const PlainEvent&, const PlainEvent&) = default;
};

// The events that ended with a blank line.
std::vector<PlainEvent> read_plain_events(std::string_view stream);

}  // namespace bobbin::fuzz
