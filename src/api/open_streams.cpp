#include "src/api/open_streams.h"

#include <algorithm>
#include <memory>

#include "src/auth/account_gate.h"

namespace bobbin::api {

struct OpenStreams::RevokedMail final : Mail {
  RevokedMail(OpenStreams& streams_in, auth::Revocation revocation_in)
      : streams(streams_in), revocation(std::move(revocation_in)) {}
  void deliver() noexcept override {
    const std::unique_ptr<RevokedMail> self(this);
    streams.close(revocation);
  }
  OpenStreams& streams;
  auth::Revocation revocation;
};

void OpenStreams::add(const auth::Identity& identity, uint64_t version, const net::Responder& responder) {
  if (identity.credential.is_zero() && !auth::is_account_id(identity.user)) return;
  // What was revoked since it was verified may have been told before it is in the list.
  if (revocations_.has_ended(identity, version)) return responder.abort();
  if (streams_.size() >= sweep_at_) {
    std::erase_if(streams_, [](const Stream& stream) { return !stream.responder.is_open(); });
    sweep_at_ = std::max<size_t>(64, streams_.size() * 2);
  }
  streams_.push_back({identity, responder});
}

void OpenStreams::on_revoked(const auth::Revocation& revocation) noexcept {
  auto mail = std::make_unique<RevokedMail>(*this, revocation);
  loop_.mailbox().post(*mail.release());
}

void OpenStreams::close(const auth::Revocation& revocation) {
  // Taken out first: closing one may end a run, and that may lead anywhere.
  std::vector<net::Responder> to_close;
  std::erase_if(streams_, [&](const Stream& stream) {
    if (!revocation.ends(stream.identity)) return false;
    to_close.push_back(stream.responder);
    return true;
  });
  for (const net::Responder& responder : to_close) responder.abort();
}

}  // namespace bobbin::api
