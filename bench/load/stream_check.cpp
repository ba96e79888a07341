#include "bench/load/stream_check.h"

namespace bobbin::bench {

const char* fault_name(Fault fault) noexcept {
  switch (fault) {
    case Fault::none: return "none";
    case Fault::lost: return "tokens lost";
    case Fault::disordered: return "tokens disordered";
    case Fault::bad_id: return "event ids with a gap";
    case Fault::cut: return "cut";
    case Fault::stopped: return "stopped";
    case Fault::failed: return "failed";
  }
  return "";
}

void StreamCheck::on_fault(Fault fault) noexcept {
  if (fault_ == Fault::none) fault_ = fault;
}

void StreamCheck::on_id(uint64_t id) noexcept {
  if (id != last_id_ + 1) on_fault(Fault::bad_id);
  last_id_ = id;
}

void StreamCheck::on_token(int64_t number) noexcept {
  if (has_ended_) return on_fault(Fault::disordered);
  if (tokens_ > 0 && number != last_number_ + step_)
    on_fault(number > last_number_ + step_ ? Fault::lost : Fault::disordered);
  last_number_ = number;
  ++tokens_;
}

void StreamCheck::on_end(std::optional<uint64_t> claimed_tokens) noexcept {
  if (has_ended_) return on_fault(Fault::disordered);
  has_ended_ = true;
  // Without a claim the first and the last token could be missing, and nobody would know.
  if (!claimed_tokens || *claimed_tokens > tokens_) return on_fault(Fault::cut);
  if (*claimed_tokens < tokens_) on_fault(Fault::disordered);
}

void StreamCheck::on_closed() noexcept {
  if (!has_ended_) on_fault(Fault::cut);
}

}  // namespace bobbin::bench
