#include "tests/unit/auth/key_pairs.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "src/auth/base64url.h"
#include "src/base/assert.h"

namespace bobbin::auth {
namespace {

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string number(const EVP_PKEY* key, const char* name, int bytes = 0) {
  BIGNUM* value = nullptr;
  BOBBIN_ASSERT(EVP_PKEY_get_bn_param(key, name, &value) == 1);
  std::string out(static_cast<size_t>(bytes > 0 ? bytes : BN_num_bytes(value)), '\0');
  BOBBIN_ASSERT(BN_bn2binpad(value, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size())) >= 0);
  BN_free(value);
  return out;
}

std::string member(const char* name, std::string_view bytes) {
  return std::string(",\"") + name + "\":\"" + to_base64url(bytes) + "\"";
}

std::string raw_public(const EVP_PKEY* key) {
  size_t size = 32;
  std::string out(size, '\0');
  BOBBIN_ASSERT(EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(out.data()), &size) == 1);
  return out;
}

// salt_bytes < 0: PKCS #1 v1.5, or whatever the key does.
std::string sign_with(EVP_PKEY* key, const char* digest, int salt_bytes, std::string_view text) {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* options = nullptr;
  BOBBIN_ASSERT(EVP_DigestSignInit_ex(context, &options, digest, nullptr, nullptr, key, nullptr) == 1);
  if (salt_bytes >= 0) {
    BOBBIN_ASSERT(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1);
    BOBBIN_ASSERT(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, salt_bytes) == 1);
  }
  size_t size = 0;
  BOBBIN_ASSERT(EVP_DigestSign(context, nullptr, &size, bytes_of(text), text.size()) == 1);
  std::string signature(size, '\0');
  BOBBIN_ASSERT(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size, bytes_of(text),
                               text.size()) == 1);
  signature.resize(size);
  EVP_MD_CTX_free(context);
  return signature;
}

std::string raw_ecdsa(std::string_view der) {
  const unsigned char* at = bytes_of(der);
  ECDSA_SIG* const signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  BOBBIN_ASSERT(signature != nullptr);
  std::string raw(64, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(raw.data());
  BOBBIN_ASSERT(BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, 32) == 32);
  BOBBIN_ASSERT(BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + 32, 32) == 32);
  ECDSA_SIG_free(signature);
  return raw;
}

}  // namespace

KeyPair::KeyPair(evp_pkey_st* key) : key_(key, EVP_PKEY_free) { BOBBIN_ASSERT(key != nullptr); }

KeyPair KeyPair::make_rsa(int bits) { return KeyPair(EVP_RSA_gen(static_cast<size_t>(bits))); }
KeyPair KeyPair::make_ec(const char* curve) { return KeyPair(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve)); }
KeyPair KeyPair::make_ed25519() { return KeyPair(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")); }

std::string KeyPair::members() const {
  const EVP_PKEY* const key = key_.get();
  if (EVP_PKEY_is_a(key, "RSA") == 1) {
    return "\"kty\":\"RSA\"" + member("n", number(key, OSSL_PKEY_PARAM_RSA_N)) +
           member("e", number(key, OSSL_PKEY_PARAM_RSA_E));
  }
  if (EVP_PKEY_is_a(key, "ED25519") == 1) return R"("kty":"OKP","crv":"Ed25519")" + member("x", raw_public(key));
  const int bytes = (EVP_PKEY_get_bits(key) + 7) / 8;
  return "\"kty\":\"EC\",\"crv\":\"P-" + std::to_string(EVP_PKEY_get_bits(key)) + "\"" +
         member("x", number(key, OSSL_PKEY_PARAM_EC_PUB_X, bytes)) +
         member("y", number(key, OSSL_PKEY_PARAM_EC_PUB_Y, bytes));
}

std::string KeyPair::private_member() const {
  if (EVP_PKEY_is_a(key_.get(), "EC") == 1) return to_base64url(number(key_.get(), OSSL_PKEY_PARAM_PRIV_KEY, 32));
  size_t size = 32;
  std::string out(size, '\0');
  BOBBIN_ASSERT(EVP_PKEY_get_raw_private_key(key_.get(), reinterpret_cast<unsigned char*>(out.data()), &size) == 1);
  return to_base64url(out);
}

std::string KeyPair::public_der() const {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key_.get(), &der);
  BOBBIN_ASSERT(size > 0);
  std::string out(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return out;
}

std::string KeyPair::public_pem() const {
  const std::string der = public_der();
  std::string text(der.size() * 2, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes_of(der), static_cast<int>(der.size()));
  text.resize(static_cast<size_t>(size));
  std::string pem = "-----BEGIN PUBLIC KEY-----\n";
  for (size_t at = 0; at < text.size(); at += 64) pem += text.substr(at, 64) + "\n";
  return pem + "-----END PUBLIC KEY-----\n";
}

std::string KeyPair::sign(std::string_view algorithm, std::string_view text) const {
  if (algorithm == "PS256") return sign_pss(text, 32);
  if (algorithm == "EdDSA") return sign_with(key_.get(), nullptr, -1, text);
  const std::string signature = sign_with(key_.get(), "SHA256", -1, text);
  return algorithm == "ES256" ? raw_ecdsa(signature) : signature;
}

std::string KeyPair::sign_pss(std::string_view text, int salt_bytes) const {
  return sign_with(key_.get(), "SHA256", salt_bytes, text);
}

std::string KeyPair::token(std::string_view algorithm, std::string_view header, std::string_view claims) const {
  const std::string text = to_base64url(header) + "." + to_base64url(claims);
  return text + "." + to_base64url(sign(algorithm, text));
}

const KeyPair& rsa_pair() {
  static const KeyPair pair = KeyPair::make_rsa();
  return pair;
}
const KeyPair& ec_pair() {
  static const KeyPair pair = KeyPair::make_ec();
  return pair;
}
const KeyPair& ed25519_pair() {
  static const KeyPair pair = KeyPair::make_ed25519();
  return pair;
}

}  // namespace bobbin::auth
