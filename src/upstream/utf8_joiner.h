#pragma once

#include <string>
#include <string_view>

namespace bobbin::upstream {

// Makes well-formed UTF-8 of text that arrives in pieces: a character that is split between two pieces is held back and
// joined, what stays ill-formed becomes U+FFFD.
class Utf8Joiner {
 public:
  // The text that is complete with `piece`. The view lives until the next call of any joiner on this thread, or as
  // long as `piece`, whichever is shorter.
  std::string_view join(std::string_view piece);
  // What was held back at the end: U+FFFD or nothing.
  std::string_view finish();

 private:
  std::string tail_;  // 3 bytes at most
};

}  // namespace bobbin::upstream
