#pragma once

#include <string>

#include "src/chat/aside.h"
#include "src/chat/context.h"

namespace bobbin::chat {

// Has the model fold the older part of a conversation into a memory (memory.h), after an answer, when the conversation
// becomes too long to be shown whole. The next answer then sees the memory and the newest turns; one that comes before,
// or after this has failed, sees the newest turns that fit. On the worker's loop.
class MemoryMaker {
 public:
  struct Answered {
    std::string user;
    std::string thread;
    Uuid run_id;
    uint64_t incarnation = 0;
    std::string model;    // empty: the server's default
    uint64_t tokens = 0;  // of the prompt and its answer, as estimate_tokens counts
  };

  // `options` as for every prompt. They outlive the maker.
  MemoryMaker(const AsideParts& parts, const ContextOptions& options) : parts_(parts), options_(options) {}
  MemoryMaker(const MemoryMaker&) = delete;
  MemoryMaker& operator=(const MemoryMaker&) = delete;

  // Nothing happens for a conversation that is short enough, or where no language model is connected.
  void make(const Answered& answered);

 private:
  Task<void> run(Answered answered, CancelScope& scope);
  // Errors: those of the store and the model; upstream_rejected (it says nothing).
  Task<Result<void>> fold(const Answered& answered, CancelScope& scope);

  AsideParts parts_;
  const ContextOptions& options_;
};

}  // namespace bobbin::chat
