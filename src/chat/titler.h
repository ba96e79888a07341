#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "src/chat/run_directory.h"
#include "src/loop/cancel.h"
#include "src/loop/gate.h"
#include "src/loop/loop.h"
#include "src/loop/offload.h"
#include "src/loop/task.h"
#include "src/upstream/model.h"
#include "storage/store.h"

namespace bobbin::chat {

// Whether the model names threads, and when it is asked.
enum class Titles : uint8_t {
  off,
  after,   // when the first answer is stored: the model has nothing else to do for this user then
  during,  // beside the first answer, as soon as its beginning is there
};

// What a titler works with. All of it outlives the titler.
struct TitlerParts {
  Loop& loop;
  store::Store& store;
  BlockingPool& pool;
  upstream::Model& model;
  RunDirectory& directory;
  Engine& engine;  // what the directory knows this titler by
  Gate& work;      // counts the titles in the making
};

// Makes better titles for threads than the beginning of their first message. On the worker's loop.
//
// Each is a small request to the model beside all runs: none waits for it. What comes of it is stored unless the thread
// has got a title of its own meanwhile, and told of after that. A title that cannot be made changes nothing; so does
// the end of the process: nobody asks for it again.
class Titler {
 public:
  struct FirstAnswer {
    RunDirectory::Title thread;
    uint64_t incarnation = 0;
    std::string model;  // empty: the server's default
    std::string question;
    std::string answer;  // what there is of it
  };
  // Of a title that is stored: its run, and the event that tells of it.
  using OnTitled = std::function<void(const Uuid& run_id, const std::string& event)>;

  Titler(const TitlerParts& parts, uint32_t timeout_ms, OnTitled on_titled)
      : parts_(parts), timeout_ms_(timeout_ms), on_titled_(std::move(on_titled)) {}
  Titler(const Titler&) = delete;
  Titler& operator=(const Titler&) = delete;
  // Nothing is being made.
  ~Titler();

  // Begins, unless no language model is connected, the thread is temporary or has a title of its own, too many are
  // being made (limits::kTitlesInMakingMax), or close() was called.
  void make(FirstAnswer first);
  // The title that is being made of that run's answer, if there is one.
  void cancel(const Uuid& run_id) noexcept;
  // Cancels all; nothing begins any more.
  void close() noexcept;

 private:
  struct Making {
    FirstAnswer of;
    CancelScope scope;
  };
  Task<void> run(Making& making);
  // Errors: those of the model and of the store; not_found (the thread is another one now).
  Task<Result<void>> title(Making& making);
  // The model's reply, as far as it matters. Errors: those of Model::stream.
  Task<Result<std::string>> ask(Making& making);

  TitlerParts parts_;
  const uint32_t timeout_ms_;
  const OnTitled on_titled_;
  std::map<Uuid, std::unique_ptr<Making>> making_;
  bool is_closed_ = false;
};

}  // namespace bobbin::chat
