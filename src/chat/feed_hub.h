#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "src/chat/feed_batch.h"
#include "src/chat/feed_relay.h"
#include "src/loop/gate.h"

namespace bobbin::chat {

class FeedHub;
struct FeedTopic;

// One reader of its user's feed: a stream to a client. The hub keeps of it where it is, and nothing that it has not
// taken yet.
class FeedFollower {
 public:
  enum class Taken : uint8_t {
    ok,
    slow,  // taken; nothing more before FeedHub::resume()
    gone,  // not taken: the hub destroys it
  };
  FeedFollower() = default;
  FeedFollower(const FeedFollower&) = delete;
  FeedFollower& operator=(const FeedFollower&) = delete;
  virtual ~FeedFollower() = default;

  // `json` is one line, valid during the call. Neither this nor on_end() calls the hub.
  virtual Taken on_event(uint64_t sequence, std::string_view json) noexcept = 0;
  // The feed ends here. Nothing follows.
  virtual void on_end() noexcept = 0;

 private:
  friend class FeedHub;
  enum class State : uint8_t { behind, live, slow };
  FeedTopic* topic_ = nullptr;
  uint64_t cursor_ = 0;  // it has every change of its user up to here
  State state_ = State::behind;
  bool reading_ = false;  // catch_up() is at work: it stays until then
  bool gone_ = false;
};

// The live feeds of one worker: every change of a user goes to all of that user's followers, in order, once it is
// durable. On the worker's loop.
//
// A follower that has all that was told is `live`: one read serves all live ones of a user. One that begins further
// back, or was slow, is `behind` and reads by itself until it has caught up: so it delays nobody.
class FeedHub {
 public:
  // All outlive the hub.
  FeedHub(Loop& loop, BlockingPool& pool, store::Store& store, FeedRelay& relay);
  FeedHub(const FeedHub&) = delete;
  FeedHub& operator=(const FeedHub&) = delete;
  // Drained, and close() is complete.
  ~FeedHub();

  // Requires !is_draining(). Hands `follower` what comes after the sequence `after`, or the event `resync` where that
  // cannot be told. Without `after`: first the event `ready`, whose sequence is the newest change of all, then what
  // comes after it. Events may be handed over inside this call, and it may be destroyed there. A feed that cannot be
  // read ends.
  void follow(const std::string& user, std::optional<uint64_t> after, std::unique_ptr<FeedFollower> follower);
  // After Taken::slow: there is room again.
  void resume(FeedFollower& follower);
  // Its client has left. Destroyed inside this call, or when its read under way has ended.
  void remove(FeedFollower& follower);

  // Ends every feed; no new one may begin.
  void begin_drain();
  [[nodiscard]] bool is_draining() const noexcept { return draining_; }
  // Complete when nothing is under way. Call once, after begin_drain().
  Completion& close() noexcept { return work_.close(); }

  [[nodiscard]] size_t follower_count() const noexcept;

 private:
  friend struct FeedTopic;

  FeedTopic& topic_of(const std::string& user);
  void on_news(FeedTopic& topic, uint64_t first_sequence, uint64_t last_sequence);
  Task<void> read_live(FeedTopic& topic);
  Task<void> catch_up(FeedFollower& follower);
  void begin_catch_up(FeedFollower& follower);
  // False: it is slow or gone, and takes no more.
  static bool tell(FeedFollower& follower, uint64_t sequence, std::string_view json);
  static void hand_out(FeedFollower& follower, const FeedBatch& batch);
  static void end(FeedFollower& follower);
  // Destroys whoever is gone; sweep() also the topic with its last follower.
  static void erase_gone(FeedTopic& topic);
  void sweep(FeedTopic& topic);

  Loop& loop_;
  BlockingPool& pool_;
  store::Store& store_;
  FeedEar ear_;
  std::map<std::string, std::unique_ptr<FeedTopic>> topics_;  // by user
  Gate work_;
  bool draining_ = false;
};

}  // namespace bobbin::chat
