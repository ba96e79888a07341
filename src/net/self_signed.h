#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/base/result.h"

namespace bobbin::net {

// 398 days is the most that browsers take; an hour of them lies before `now`, for clients whose clocks are behind.
inline constexpr int64_t kSelfSignedDays = 397;

struct SelfSigned {
  std::string certificate_pem;
  std::string key_pem;
};

// A new key (ECDSA, P-256) with a certificate for `names`, each a DNS name or an IP address, signed by that key itself.
// It can sign nothing else: whoever comes by the key of one that people trust can pass for this machine, not for
// others. `now_s` is since 1970. Errors: io (OpenSSL's number), invalid (no names, or one that cannot be).
Result<SelfSigned> make_self_signed(const std::vector<std::string>& names, int64_t now_s);

// What this machine can be called on its network: `localhost`, its name, that name in `.local` (multicast DNS), the
// loopback addresses and those of its interfaces but for link-local ones, which a URL cannot have.
[[nodiscard]] std::vector<std::string> machine_names();

}  // namespace bobbin::net
