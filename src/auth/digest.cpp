#include "src/auth/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "src/base/assert.h"

namespace bobbin::auth {
namespace {

// Looking an algorithm up by name takes longer than hashing a token: once for the process, never freed.
const EVP_MD* sha256_method() {
  static EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  BOBBIN_ASSERT(method != nullptr);
  return method;
}

EVP_MAC* hmac_method() {
  static EVP_MAC* const method = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  BOBBIN_ASSERT(method != nullptr);
  return method;
}

const unsigned char* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Sha256 sha256(std::string_view bytes) {
  Sha256 digest;
  unsigned int digest_bytes = 0;
  const int ok = EVP_Digest(bytes.data(), bytes.size(), digest.data(), &digest_bytes, sha256_method(), nullptr);
  BOBBIN_ASSERT(ok == 1 && digest_bytes == digest.size());
  return digest;
}

Sha256 hmac_sha256(std::string_view key, std::string_view bytes) {
  EVP_MAC_CTX* const context = EVP_MAC_CTX_new(hmac_method());
  BOBBIN_ASSERT(context != nullptr);
  char digest_name[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", digest_name, 0), OSSL_PARAM_construct_end()};
  // A null key would mean "keep the last key"; an empty one is a key.
  const unsigned char empty = 0;
  const unsigned char* const key_bytes = key.empty() ? &empty : bytes_of(key);
  Sha256 digest;
  size_t digest_bytes = 0;
  const bool ok = EVP_MAC_init(context, key_bytes, key.size(), params) == 1 &&
                  EVP_MAC_update(context, bytes_of(bytes), bytes.size()) == 1 &&
                  EVP_MAC_final(context, digest.data(), &digest_bytes, digest.size()) == 1;
  EVP_MAC_CTX_free(context);
  BOBBIN_ASSERT(ok && digest_bytes == digest.size());
  return digest;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace bobbin::auth
