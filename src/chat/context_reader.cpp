#include "src/chat/context_reader.h"

#include <algorithm>

#include "src/base/log.h"
#include "src/chat/context.h"

namespace bobbin::chat {
namespace {

// More messages than this do not fit a model's window.
constexpr uint32_t kContextMessagesMax = 1000;
// One read of history: enough for most contexts, and small beside a thread of many megabytes. A record may be mostly
// reasoning, which the model is not shown again: then there are several.
constexpr size_t kContextPageBytes = 256 * 1024;

}  // namespace

Result<Context> read_context(store::Store& store, const std::string& user, const std::string& thread,
                             uint64_t tokens_max, store::Tier tier, uint64_t message_tokens_max) {
  Context context;
  auto memories = store.read_memories(user, thread, tier);
  if (!memories && memories.error().code != Code::corrupt) return fail(memories.error());
  if (!memories) {
    log::error("a memory cannot be read: the model is shown none", {{"thread_id", thread}});
    memories = std::vector<store::Memory>();
  }
  for (const store::Memory& memory : *memories) context.memories.push_back(memory.order);

  store::HistoryQuery query{.user = user,
                            .thread = thread,
                            .limit = kContextMessagesMax,
                            .bytes_max = kContextPageBytes,
                            .cursor = std::nullopt};
  uint64_t tokens = 0;
  std::vector<store::MessageView>& newest_first = context.page.messages;
  do {
    TRY_ASSIGN(store::HistoryPage page, store.read_history(query, tier));
    query.cursor = page.next;
    const std::vector<store::MessageView> messages = std::move(page.messages);
    page.messages.clear();
    if (newest_first.empty()) {
      context.page = std::move(page);
    } else {
      context.page.texts.adopt(std::move(page.texts));
    }
    for (const store::MessageView& message : messages) {
      const auto memory = std::find_if(memories->begin(), memories->end(),
                                       [&](const store::Memory& each) { return each.order == message.order; });
      // The newest message is always shown: it is what the model answers, or goes on with.
      if (memory != memories->end() && !newest_first.empty()) {
        context.memory = std::move(*memory);
        return context;
      }
      tokens += std::min(estimate_tokens(message), message_tokens_max);
      newest_first.push_back(message);
    }
  } while (query.cursor && tokens <= tokens_max && newest_first.size() < kContextMessagesMax);
  return context;
}

}  // namespace bobbin::chat
