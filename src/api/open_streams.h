#pragma once

#include <cstdint>
#include <vector>

#include "src/auth/revocations.h"
#include "src/loop/loop.h"
#include "src/net/responder.h"

namespace bobbin::api {

// The streams of one worker that stand on something which can be revoked: an account, a login, an API key. They are
// closed when it is, so that a device which was signed out hears nothing more. On the worker's loop.
class OpenStreams final : private auth::Revocations::Watcher {
 public:
  // Both outlive it.
  OpenStreams(Loop& loop, auth::Revocations& revocations) : loop_(loop), revocations_(revocations) {
    revocations_.add(*this);
  }
  OpenStreams(const OpenStreams&) = delete;
  OpenStreams& operator=(const OpenStreams&) = delete;
  // After the loop has ended, when nobody revokes any more.
  ~OpenStreams() { revocations_.remove(*this); }

  // An answer that has begun, or will. `version`: of the revocations, from before `identity` was verified.
  void add(const auth::Identity& identity, uint64_t version, const net::Responder& responder);

 private:
  struct Stream {
    auth::Identity identity;
    net::Responder responder;
  };
  struct RevokedMail;

  void on_revoked(const auth::Revocation& revocation) noexcept override;
  void close(const auth::Revocation& revocation);

  Loop& loop_;
  auth::Revocations& revocations_;
  std::vector<Stream> streams_;  // and some that are over
  size_t sweep_at_ = 64;
};

}  // namespace bobbin::api
