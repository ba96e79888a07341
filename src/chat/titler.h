#pragma once

#include <functional>
#include <string>

#include "src/chat/aside.h"

namespace bobbin::chat {

// Whether the model names threads, and when it is asked.
enum class Titles : uint8_t {
  off,
  after,   // when the first answer is stored: the model has nothing else to do for this user then
  during,  // beside the first answer, as soon as its beginning is there
};

// Makes better titles for threads than the beginning of their first message. On the worker's loop.
//
// What comes of it is stored unless the thread has got a title of its own meanwhile, and told of after that. A title
// that cannot be made changes nothing; so does the end of the process: nobody asks for it again.
class Titler {
 public:
  struct FirstAnswer {
    std::string user;
    std::string thread;
    Uuid run_id;
    uint64_t incarnation = 0;
    std::string model;  // empty: the server's default
    std::string question;
    std::string answer;  // what there is of it
  };
  // Of a title that is stored: its run, and the event that tells of it.
  using OnTitled = std::function<void(const Uuid& run_id, const std::string& event)>;

  Titler(const AsideParts& parts, uint32_t timeout_ms, OnTitled on_titled)
      : parts_(parts), timeout_ms_(timeout_ms), on_titled_(std::move(on_titled)) {}
  Titler(const Titler&) = delete;
  Titler& operator=(const Titler&) = delete;

  // Begins, unless no language model is connected, the thread is temporary or has a title of its own, or too many are
  // being made (limits::kTitlesInMakingMax).
  void make(FirstAnswer first);

 private:
  Task<void> run(FirstAnswer first, CancelScope& scope);
  // Errors: those of the model and of the store; not_found (the thread is another one now).
  Task<Result<void>> title(const FirstAnswer& first, CancelScope& scope);

  AsideParts parts_;
  const uint32_t timeout_ms_;
  const OnTitled on_titled_;
};

}  // namespace bobbin::chat
