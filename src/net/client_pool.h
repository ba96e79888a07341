#pragma once

#include <memory>
#include <vector>

#include "src/loop/cancel.h"
#include "src/loop/gate.h"
#include "src/loop/loop.h"
#include "src/net/channel.h"
#include "src/net/http_client.h"

namespace bobbin::net {

// The inside of an HttpClient: its idle connections, and what its calls share.
class ClientPool {
 public:
  ClientPool(Loop& loop, HttpClientOptions options);
  ClientPool(const ClientPool&) = delete;
  ClientPool& operator=(const ClientPool&) = delete;
  ~ClientPool();

  // The most recently used idle connection of that route, or null. The caller sets its user.
  std::unique_ptr<Channel> take(const Route& route) noexcept;
  // Keeps an open connection on which nothing is under way; the one idle for longest goes when there are too many.
  void keep(std::unique_ptr<Channel> channel);

  Completion& begin_close() noexcept;
  // Requested when the client closes.
  CancelScope& closing() noexcept { return closing_; }

  Loop& loop() noexcept { return context_.loop; }
  ChannelContext& context() noexcept { return context_; }
  [[nodiscard]] const ProxyRules& proxies() const noexcept { return options_.proxies; }
  [[nodiscard]] size_t pooled_count() const noexcept { return idle_.size(); }
  [[nodiscard]] size_t open_count() const noexcept { return gate_.count(); }

 private:
  // Holds a connection until somebody wants it, the server ends it, or its time is up.
  class Idle;
  void drop(const Idle& idle) noexcept;

  const HttpClientOptions options_;
  Gate gate_;
  CancelScope closing_;
  ChannelContext context_;
  std::vector<std::unique_ptr<Idle>> idle_;  // the longest idle first
};

}  // namespace bobbin::net
