#include "storage/apply.h"
#include "storage/keys.h"

namespace bobbin::store {

Result<Reply> Applier::apply(PutMemory& command) {
  TRY(check_ids(command.user, command.thread));
  const Memory& memory = command.memory;
  if (memory.text.size() > kMemoryBytesMax || memory.model.size() > kMemoryBytesMax)
    return fail(Code::too_large, 0, "a memory has at most 64 KiB");
  TRY_ASSIGN(const ThreadState* const state, states_.thread(command.user, command.thread));
  if (!state->exists || state->summary.incarnation != command.incarnation) return Done{};
  // Whoever made a memory of it has read it: it is on disk.
  TRY_ASSIGN(const std::optional<Message> newest, read_message(command.user, command.thread, memory.order));
  if (!newest || memory.order <= state->summary.stamp_floor) return Done{};
  std::string key;
  for (const uint64_t order : command.replaces) {
    key.clear();
    append_annotation_key(key, command.user, command.thread, order, AnnotationKind::memory);
    batch_.remove(Family::annotations, key);
  }
  key.clear();
  append_annotation_key(key, command.user, command.thread, memory.order, AnnotationKind::memory);
  std::string value;
  append_memory_record(value, memory);
  batch_.put(Family::annotations, key, value);
  return Done{};
}

}  // namespace bobbin::store
