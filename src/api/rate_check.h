#pragma once

#include "src/api/exchange.h"

namespace bobbin::api {

// The limits of requests, as a request meets them: its address before anything is done for it, so that bad tokens too
// cost who sends them; then who it speaks for. `RateLimit-Limit`, `-Remaining` and `-Reset` of the bucket that has the
// least left go with every answer, streams included. Errors: rate_limited; its number is the seconds to wait.
Result<void> check_address_rate(Services& services, Exchange& exchange);
// After authentication: an API key has a bucket of its own, else it is the user's.
Result<void> check_identity_rate(Services& services, Exchange& exchange);

}  // namespace bobbin::api
