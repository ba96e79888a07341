#include "src/upstream/tool_call_gatherer.h"

#include <algorithm>

#include "src/base/text.h"

namespace bobbin::upstream {

ToolCallGatherer::Entry* ToolCallGatherer::find(const ToolCallDelta& piece) noexcept {
  // From the end: a reused index means the newest call that has it.
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    if (piece.index >= 0 && entry->index != piece.index) continue;
    const bool other_call = !piece.id.empty() && !entry->call.id.empty() && entry->call.id != piece.id;
    return other_call ? nullptr : &*entry;
  }
  return nullptr;
}

Result<void> ToolCallGatherer::add(const ToolCallDelta& piece) {
  if (piece.id.size() > kToolNameBytesMax || piece.name.size() > kToolNameBytesMax) {
    return fail(Code::upstream_rejected, 0, "the model called a tool by too long a name");
  }
  Entry* entry = find(piece);
  if (entry == nullptr) {
    if (entries_.size() >= kToolCallsMax) return fail(Code::upstream_rejected, 0, "the model called too many tools");
    entry = &entries_.emplace_back(Entry{.index = std::max<int64_t>(piece.index, 0), .call = {}});
  }
  if (entry->call.id.empty()) entry->call.id = piece.id;
  if (entry->call.name.empty()) entry->call.name = piece.name;
  entry->call.arguments.append(piece.arguments);
  return {};
}

std::vector<ToolCall> ToolCallGatherer::take() {
  std::vector<ToolCall> calls;
  for (Entry& entry : entries_) {
    for (std::string* text : {&entry.call.id, &entry.call.name, &entry.call.arguments}) {
      if (!is_utf8(*text)) *text = to_utf8_lossy(*text);
    }
    calls.push_back(std::move(entry.call));
  }
  entries_.clear();
  return calls;
}

}  // namespace bobbin::upstream
