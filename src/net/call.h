#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proto_http/response_parser.h"
#include "src/base/result.h"
#include "src/loop/cancel.h"
#include "src/loop/completion.h"
#include "src/loop/loop.h"
#include "src/net/channel.h"
#include "src/net/client_pool.h"
#include "src/net/http_client.h"

namespace bobbin::net {

// The inside of an HttpCall: the callback side of one exchange. It gathers head and body as they come and wakes the one
// coroutine that waits, always as its last step, since that coroutine may destroy the call.
class Call final : public Channel::User, private Timer {
 public:
  Call(ClientPool& pool, HttpCallOptions options, CancelScope& scope);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call();

  // Sends the request, or fails.
  void begin() noexcept;

  [[nodiscard]] bool has_head() const noexcept { return has_head_; }
  [[nodiscard]] bool has_bytes() const noexcept { return !ready_.empty(); }
  // False once the exchange has ended, well or not.
  [[nodiscard]] bool is_under_way() const noexcept { return phase_ != Phase::complete && phase_ != Phase::failed; }
  // `co_await call.wait()` resumes when the head is there, bytes are, or the exchange has ended.
  Completion& wait() noexcept;

  [[nodiscard]] const std::optional<Error>& error() const noexcept { return error_; }
  // Once, when there is a head.
  http::ResponseHead take_head() noexcept;
  // The last take_bytes() is not looked at any more.
  void release_bytes() noexcept;
  // Everything that waits, valid until release_bytes(); lets the server go on where it had to wait.
  std::string_view take_bytes() noexcept;

 private:
  // What goes out, for as long as it may have to go out again.
  struct Outgoing {
    HttpCallOptions options;
    Route route = {};
    std::string head = {};
  };
  enum class Phase : uint8_t { created, connecting, awaiting_head, reading_body, complete, failed };
  // Passes a request of either scope on.
  class Hook final : public CancelHook {
   public:
    explicit Hook(Call& call) : call_(call) {}

   private:
    void on_cancel() noexcept override { call_.on_cancel(); }
    Call& call_;
  };

  void on_channel_open() noexcept override;
  void on_received(const Received& received) noexcept override;
  void on_timer() noexcept override;
  void on_cancel() noexcept;

  Result<void> prepare();
  Result<void> append_head(std::string& out) const;
  Result<void> connect();
  void parse(std::string_view bytes, Received::End end);
  void take_end(const Received& received);
  bool try_again();
  void send_request() noexcept;
  void finish(bool is_reusable);
  void fail_with(const Error& error) noexcept;
  void arm_in(uint32_t ms) { arm(pool_.loop().timers(), pool_.loop().now_ms() + ms); }
  [[nodiscard]] const char* timeout_detail() const noexcept;
  void wake() noexcept;

  ClientPool& pool_;
  std::unique_ptr<Outgoing> outgoing_;  // until the head of the answer: that may then take minutes
  CancelScope& scope_;
  Hook scope_hook_{*this};
  Hook closing_hook_{*this};
  std::unique_ptr<Channel> channel_;
  http::ResponseParser parser_;
  std::optional<Error> error_;
  std::string ready_;   // body that came and was not asked for yet
  std::string handed_;  // what the last take_bytes() gave
  Completion change_;
  const uint32_t idle_timeout_ms_;
  Phase phase_ = Phase::created;
  bool is_waiting_ = false;
  bool has_head_ = false;      // parser_ has it
  bool is_on_pooled_ = false;  // the request went out on a connection that had been idle
  bool is_reusable_ = false;   // as the head says
};

}  // namespace bobbin::net
