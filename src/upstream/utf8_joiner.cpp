#include "src/upstream/utf8_joiner.h"

#include "src/base/text.h"

namespace bobbin::upstream {
namespace {

// The thread's, as thousands of streams are open and hardly any ever joins a piece.
thread_local std::string joined;

}  // namespace

std::string_view Utf8Joiner::join(std::string_view piece) {
  if (tail_.empty() && is_utf8(piece)) return piece;
  std::string whole = std::move(tail_);
  whole.append(piece);
  const size_t complete_bytes = whole.size() - utf8_tail_bytes(whole);
  tail_.assign(whole, complete_bytes);
  joined = to_utf8_lossy(std::string_view(whole).substr(0, complete_bytes));
  return joined;
}

std::string_view Utf8Joiner::finish() {
  joined = to_utf8_lossy(tail_);
  tail_.clear();
  return joined;
}

}  // namespace bobbin::upstream
