#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "src/auth/key_ring.h"
#include "src/base/result.h"

namespace bobbin::auth {

// A key set larger than this is none: issuers publish a handful of keys of less than 2 KiB each.
inline constexpr size_t kJwksBytesMax = 256 * 1024;
// Keys without `kid` are all tried for a token; 64 checks of RSA-2048 take about 2 ms.
inline constexpr size_t kJwksKeysMax = 64;
inline constexpr size_t kKeyIdBytesMax = 256;

// The keys of a JWK set (RFC 7517 §5) that tokens can be checked with; none of them is local.
//
// A key's algorithm is its `alg`, or else what its type says: RS256 for RSA, ES256 for P-256, EdDSA for Ed25519. So an
// RSA key is used for PS256 only if it says so: one key, one algorithm (RFC 8725 §3.1). Skipped, with a line in the log
// that names the `kid`: symmetric (`oct`) and private keys, RSA below 2048 bits, other curves and algorithms, `use`
// that is not `sig`, `key_ops` without `verify`, anything malformed, and all beyond kJwksKeysMax.
//
// Errors: too_large (kJwksBytesMax), malformed (no JSON object with an array `keys`, or a name in it twice), invalid
// (no key can be used).
Result<KeySet> parse_jwks(std::string_view json);

// Gives `ring` these keys, and says so in the log and the metrics.
void replace_keys(KeyRing& ring, KeySet keys);

// Puts the keys of the file `path` into `ring`; after an error the ring is as it was. Blocks on disk. Errors: those of
// parse_jwks(), and not_found, io (number is errno).
Result<void> reload_jwks_file(const std::string& path, KeyRing& ring);

}  // namespace bobbin::auth
