#include "src/auth/public_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include <string>

#include "src/net/c_pointer.h"

namespace bobbin::auth {
namespace {

constexpr size_t kP256NumberBytes = 32;
constexpr size_t kEd25519KeyBytes = 32;
constexpr size_t kEd25519SignatureBytes = 64;
constexpr size_t kRsaExponentBytesMax = 8;

using BigNumber = net::CPointer<BIGNUM, BN_free>;
using KeyContext = net::CPointer<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using DigestContext = net::CPointer<EVP_MD_CTX, EVP_MD_CTX_free>;
using ParamBuilder = net::CPointer<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Params = net::CPointer<OSSL_PARAM, OSSL_PARAM_free>;
using EcdsaSignature = net::CPointer<ECDSA_SIG, ECDSA_SIG_free>;

// What OpenSSL notes about a refusal must not stay behind on the thread: TLS would take it for an error of its own.
class ErrorMark {
 public:
  ErrorMark() { ERR_set_mark(); }
  ErrorMark(const ErrorMark&) = delete;
  ErrorMark& operator=(const ErrorMark&) = delete;
  ~ErrorMark() { ERR_pop_to_mark(); }
};

const unsigned char* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

BigNumber number_of(std::string_view bytes) {
  return BigNumber(BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr));
}

std::shared_ptr<EVP_PKEY> import_key(const char* type, OSSL_PARAM* params) {
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
    return nullptr;
  }
  return {key, EVP_PKEY_free};
}

// On the curve and not at infinity.
bool is_valid_point(EVP_PKEY* key) {
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  return context && EVP_PKEY_public_check(context.get()) == 1;
}

// r || s as the DER sequence that EVP wants; empty when it cannot be one.
std::string der_signature(std::string_view raw) {
  if (raw.size() != 2 * kP256NumberBytes) return {};
  EcdsaSignature signature(ECDSA_SIG_new());
  BigNumber r = number_of(raw.substr(0, kP256NumberBytes));
  BigNumber s = number_of(raw.substr(kP256NumberBytes));
  if (!signature || !r || !s || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) return {};
  static_cast<void>(r.release());
  static_cast<void>(s.release());
  unsigned char* der = nullptr;
  const int der_bytes = i2d_ECDSA_SIG(signature.get(), &der);
  if (der_bytes <= 0) return {};
  std::string copy(reinterpret_cast<const char*>(der), static_cast<size_t>(der_bytes));
  OPENSSL_free(der);
  return copy;
}

bool check(EVP_PKEY* key, const char* digest, bool is_pss, std::string_view text, std::string_view signature) {
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* options = nullptr;  // belongs to `context`
  if (!context || EVP_DigestVerifyInit_ex(context.get(), &options, digest, nullptr, nullptr, key, nullptr) != 1)
    return false;
  // The mask's digest is the signature's own unless said otherwise.
  if (is_pss && (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1 ||
                 EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) != 1)) {
    return false;
  }
  return EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(text), text.size()) == 1;
}

}  // namespace

Result<PublicKey> PublicKey::make_rsa(std::string_view modulus, std::string_view exponent) {
  const ErrorMark mark;
  if (modulus.size() > kRsaBitsMax / 8 + 1) return fail(Code::invalid, 0, "its modulus is longer than 8192 bits");
  if (exponent.size() > kRsaExponentBytesMax) return fail(Code::invalid, 0, "its exponent is too large");
  const BigNumber n = number_of(modulus);
  const BigNumber e = number_of(exponent);
  if (!n || !e) return fail(Code::internal, 0, "OpenSSL has no memory for it");
  if (BN_num_bits(n.get()) < kRsaBitsMin) return fail(Code::invalid, 0, "RSA below 2048 bits");
  if (BN_num_bits(n.get()) > kRsaBitsMax) return fail(Code::invalid, 0, "its modulus is longer than 8192 bits");
  // With an exponent of 1 everybody can sign.
  if (BN_is_odd(n.get()) == 0 || BN_is_odd(e.get()) == 0 || BN_is_one(e.get()) == 1)
    return fail(Code::invalid, 0, "its numbers are not those of an RSA key");
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return fail(Code::internal, 0, "OpenSSL has no memory for it");
  }
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  std::shared_ptr<EVP_PKEY> key = params ? import_key("RSA", params.get()) : nullptr;
  if (!key) return fail(Code::invalid, 0, "its numbers are not those of an RSA key");
  return PublicKey(std::move(key));
}

Result<PublicKey> PublicKey::make_p256(std::string_view x, std::string_view y) {
  const ErrorMark mark;
  if (x.size() != kP256NumberBytes || y.size() != kP256NumberBytes)
    return fail(Code::invalid, 0, "its coordinates do not have 32 bytes each");
  std::string point("\x04");  // uncompressed, SEC 1 §2.3.3
  point.append(x).append(y);
  char group[] = "prime256v1";
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                         OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
                         OSSL_PARAM_construct_end()};
  std::shared_ptr<EVP_PKEY> key = import_key("EC", params);
  if (!key || !is_valid_point(key.get())) return fail(Code::invalid, 0, "it is no point of P-256");
  return PublicKey(std::move(key));
}

Result<PublicKey> PublicKey::make_ed25519(std::string_view x) {
  const ErrorMark mark;
  if (x.size() != kEd25519KeyBytes) return fail(Code::invalid, 0, "it does not have 32 bytes");
  std::shared_ptr<EVP_PKEY> key(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, bytes_of(x), x.size()),
                                EVP_PKEY_free);
  if (!key) return fail(Code::invalid, 0, "it is no Ed25519 key");
  return PublicKey(std::move(key));
}

bool PublicKey::verify(Algorithm algorithm, std::string_view text, std::string_view signature) const {
  if (!key_) return false;
  const ErrorMark mark;
  EVP_PKEY* const key = key_.get();
  switch (algorithm) {
    case Algorithm::rs256:
    case Algorithm::ps256:
      return EVP_PKEY_is_a(key, "RSA") == 1 && signature.size() == static_cast<size_t>(EVP_PKEY_get_size(key)) &&
             check(key, "SHA256", algorithm == Algorithm::ps256, text, signature);
    case Algorithm::es256: {
      if (EVP_PKEY_is_a(key, "EC") != 1) return false;
      const std::string der = der_signature(signature);
      return !der.empty() && check(key, "SHA256", false, text, der);
    }
    case Algorithm::eddsa:
      return EVP_PKEY_is_a(key, "ED25519") == 1 && signature.size() == kEd25519SignatureBytes &&
             check(key, nullptr, false, text, signature);
    case Algorithm::hs256: return false;
  }
  return false;
}

}  // namespace bobbin::auth
