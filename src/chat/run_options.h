#pragma once

#include <string>
#include <string_view>

namespace bobbin::chat {

// What a request asks of its run beyond the message. Kept with the run and its queue entry as a JSON object, so that
// fields can be added.
struct RunOptions {
  std::string model;  // empty: the server's default
};

std::string encode_run_options(const RunOptions& options);
// Bytes of our own making: fields that are missing have their defaults.
RunOptions decode_run_options(std::string_view json);

}  // namespace bobbin::chat
