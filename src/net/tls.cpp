#include "src/net/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "src/base/assert.h"
#include "src/net/address.h"

namespace bobbin::net {

// The stream's two byte strings as an OpenSSL BIO. Its own memory BIO would keep the largest size it ever had, for each
// connection, and copy everything once more.
struct TlsBytes {
  static int read(BIO* bio, char* out, int bytes_max) noexcept {
    auto* stream = static_cast<TlsStream*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const size_t bytes = std::min(static_cast<size_t>(std::max(bytes_max, 0)), stream->input_.size());
    if (bytes == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    std::memcpy(out, stream->input_.data(), bytes);
    stream->input_.remove_prefix(bytes);
    return static_cast<int>(bytes);
  }
  static int write(BIO* bio, const char* in, int bytes) noexcept {
    BIO_clear_retry_flags(bio);
    if (bytes <= 0) return 0;
    static_cast<TlsStream*>(BIO_get_data(bio))->output_.append(in, static_cast<size_t>(bytes));
    return bytes;
  }
  static long control(BIO*, int command, long, void*) noexcept { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static const BIO_METHOD* method() noexcept {
    static const BIO_METHOD* const made = [] {
      BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "bobbin bytes");
      BOBBIN_ASSERT(method != nullptr);
      BIO_meth_set_read(method, &read);
      BIO_meth_set_write(method, &write);
      BIO_meth_set_ctrl(method, &control);
      return method;
    }();
    return made;
  }
};

namespace {

constexpr unsigned char kAlpn[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

int32_t openssl_reason() noexcept { return static_cast<int32_t>(ERR_GET_REASON(ERR_peek_last_error())); }

// A context with what both sides share; null when OpenSSL has no memory.
SSL_CTX* make_context(const SSL_METHOD* method) noexcept {
  ERR_clear_error();
  SSL_CTX* context = SSL_CTX_new(method);
  if (context == nullptr) return nullptr;
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // An idle connection gives its record buffers (about 34 KB) back.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  return context;
}

int select_alpn(SSL*, const unsigned char** out, unsigned char* out_bytes, const unsigned char* offered,
                unsigned int offered_bytes, void*) noexcept {
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, out_bytes, kAlpn, sizeof kAlpn, offered, offered_bytes);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

constexpr char kOtherKey[] = "the key file's key is not that of the certificate";

// False when OpenSSL has none of it.
bool set_server_protocol(SSL_CTX* context) noexcept {
  SSL_CTX_set_alpn_select_cb(context, &select_alpn, nullptr);
  // 112 bits: no RSA below 2048 and no SHA-1, whatever the system's own configuration says.
  SSL_CTX_set_security_level(context, 2);
  // Sessions are in the clients' tickets. A cache of our own would take memory for each client that ever came.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_early_data(context, 0);
  static constexpr int kGroups[] = {NID_X25519, NID_X9_62_prime256v1, NID_secp384r1};
  return SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
         SSL_CTX_set1_groups(context, const_cast<int*>(kGroups), std::size(kGroups)) == 1;
}

Result<void> check_readable(const std::string& path, const char* detail) {
  // Not by opening: that would empty a pipe.
  if (::access(path.c_str(), R_OK) != 0) return fail(Code::io, errno, detail);
  return {};
}

int64_t seconds_of(const ASN1_TIME* time) noexcept {
  std::tm utc{};
  return ASN1_TIME_to_tm(time, &utc) == 1 ? static_cast<int64_t>(::timegm(&utc)) : 0;
}

const char* certificate_detail(long verdict) noexcept {
  switch (verdict) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return "certificate: name does not match";
    case X509_V_ERR_CERT_HAS_EXPIRED: return "certificate: expired";
    case X509_V_ERR_CERT_NOT_YET_VALID: return "certificate: not valid yet";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: return "certificate: self-signed";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: return "certificate: its issuer is not known";
    default: return "certificate: not valid";
  }
}

Error tls_fault(SSL* ssl) noexcept {
  // The queue may begin with what led to the verdict, deep inside.
  if (const long verdict = SSL_get_verify_result(ssl); verdict != X509_V_OK)
    return Error(Code::io, static_cast<int32_t>(verdict), certificate_detail(verdict));
  const unsigned long code = ERR_peek_error();
  return Error(Code::io, static_cast<int32_t>(ERR_GET_REASON(code)), "TLS: the peer breaks the protocol or refuses us");
}

}  // namespace

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

Result<std::shared_ptr<const TlsContext>> TlsContext::make_client(const std::string& extra_ca_file) {
  SSL_CTX* raw = make_context(TLS_client_method());
  if (raw == nullptr) return fail(Code::io, openssl_reason(), "TLS: cannot be set up");
  std::shared_ptr<const TlsContext> context(new TlsContext(raw));
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  // A machine without roots still works with a CA file of its own; without either, each handshake says so.
  SSL_CTX_set_default_verify_paths(raw);
  ERR_clear_error();
  if (SSL_CTX_set_alpn_protos(raw, kAlpn, sizeof kAlpn) != 0)
    return fail(Code::io, openssl_reason(), "TLS: cannot be set up");
  if (!extra_ca_file.empty() && SSL_CTX_load_verify_file(raw, extra_ca_file.c_str()) != 1)
    return fail(Code::io, openssl_reason(), "the CA file has no certificate that can be read");
  return context;
}

Result<std::shared_ptr<const TlsContext>> TlsContext::make_server(const std::string& certificate_file,
                                                                  const std::string& key_file) {
  TRY(check_readable(certificate_file, "the certificate file cannot be opened"));
  TRY(check_readable(key_file, "the key file cannot be opened"));
  SSL_CTX* raw = make_context(TLS_server_method());
  if (raw == nullptr) return fail(Code::io, openssl_reason(), "TLS: cannot be set up");
  std::shared_ptr<const TlsContext> context(new TlsContext(raw));
  if (!set_server_protocol(raw)) return fail(Code::io, openssl_reason(), "TLS: cannot be set up");
  // Without this OpenSSL would ask at the terminal, and wait.
  SSL_CTX_set_default_passwd_cb(raw, [](char*, int, int, void*) { return -1; });
  if (SSL_CTX_use_certificate_chain_file(raw, certificate_file.c_str()) != 1) {
    const int32_t reason = openssl_reason();
    const bool is_weak =
        reason == SSL_R_EE_KEY_TOO_SMALL || reason == SSL_R_CA_KEY_TOO_SMALL || reason == SSL_R_CA_MD_TOO_WEAK;
    return fail(Code::invalid, reason,
                is_weak ? "the certificate is too weak: RSA of 2048 bits or EC of 224, and SHA-256, at least"
                        : "the certificate file has no certificate in PEM form, or a damaged one");
  }
  if (SSL_CTX_use_PrivateKey_file(raw, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    const int32_t reason = openssl_reason();
    const bool is_other = ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_X509;
    return fail(Code::invalid, reason,
                is_other ? kOtherKey : "the key file has no private key in PEM form without a password");
  }
  if (SSL_CTX_check_private_key(raw) != 1) return fail(Code::invalid, openssl_reason(), kOtherKey);
  return context;
}

TlsContext::Certificate TlsContext::certificate() const {
  Certificate certificate;
  const X509* shown = SSL_CTX_get0_certificate(context_);
  BOBBIN_ASSERT(shown != nullptr);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int bytes = 0;
  X509_digest(shown, EVP_sha256(), digest, &bytes);
  for (unsigned int i = 0; i < bytes; ++i) {
    char text[4];
    std::snprintf(text, sizeof text, i == 0 ? "%02X" : ":%02X", digest[i]);
    certificate.fingerprint += text;
  }
  certificate.not_before_s = seconds_of(X509_get0_notBefore(shown));
  certificate.not_after_s = seconds_of(X509_get0_notAfter(shown));
  return certificate;
}

TlsStream::~TlsStream() { SSL_free(ssl_); }

Result<std::unique_ptr<TlsStream>> TlsStream::make(const TlsContext& context) {
  ERR_clear_error();
  SSL* ssl = SSL_new(context.context_);
  if (ssl == nullptr) return fail(Code::io, openssl_reason(), "TLS: no memory");
  std::unique_ptr<TlsStream> stream(new TlsStream(ssl));
  BIO* bio = BIO_new(TlsBytes::method());
  if (bio == nullptr) return fail(Code::io, openssl_reason(), "TLS: no memory");
  BIO_set_data(bio, stream.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  return stream;
}

Result<std::unique_ptr<TlsStream>> TlsStream::make_client(const TlsContext& context, const std::string& host) {
  TRY_ASSIGN(std::unique_ptr<TlsStream> stream, make(context));
  SSL* ssl = stream->ssl_;
  // The dot of an absolute name is neither in certificates nor in SNI (RFC 6066 §3).
  const std::string name = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl);
  bool is_set = false;
  if (is_ip_literal(name)) {
    is_set = X509_VERIFY_PARAM_set1_ip_asc(expected, name.c_str()) == 1;
  } else {
    X509_VERIFY_PARAM_set_hostflags(expected,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    // An empty name would switch the check off.
    is_set = !name.empty() && X509_VERIFY_PARAM_set1_host(expected, name.data(), name.size()) == 1 &&
             SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
  }
  if (!is_set) return fail(Code::invalid, openssl_reason(), "TLS: not a host name");
  SSL_set_connect_state(ssl);
  TRY(stream->handshake());
  return stream;
}

Result<std::unique_ptr<TlsStream>> TlsStream::make_server(const TlsContext& context) {
  TRY_ASSIGN(std::unique_ptr<TlsStream> stream, make(context));
  SSL_set_accept_state(stream->ssl_);
  return stream;
}

Result<void> TlsStream::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) {
    is_open_ = true;
    return {};
  }
  if (SSL_get_error(ssl_, result) == SSL_ERROR_WANT_READ) return {};
  return fail(tls_fault(ssl_));
}

Result<void> TlsStream::receive(std::string_view wire, std::string& plain) {
  // Whatever follows the peer's goodbye is not part of the connection.
  if (is_ended_by_peer_) return {};
  input_ = wire;
  if (!is_open_) {
    if (auto result = handshake(); !result) {
      input_ = {};
      return result;
    }
  }
  auto result = is_open_ ? decrypt(plain) : Result<void>{};
  input_ = {};
  return result;
}

Result<void> TlsStream::decrypt(std::string& plain) {
  for (;;) {
    char piece[16 * 1024];  // the largest record
    ERR_clear_error();
    const int bytes = SSL_read(ssl_, piece, sizeof piece);
    if (bytes > 0) {
      plain.append(piece, static_cast<size_t>(bytes));
      continue;
    }
    switch (SSL_get_error(ssl_, bytes)) {
      case SSL_ERROR_WANT_READ: return {};
      case SSL_ERROR_ZERO_RETURN: is_ended_by_peer_ = true; return {};
      default: return fail(tls_fault(ssl_));
    }
  }
}

Result<void> TlsStream::send(std::string_view plain) {
  BOBBIN_ASSERT(is_open_);
  if (plain.empty()) return {};
  size_t written = 0;
  // Records of 16 KiB, each with header, nonce and tag: less than 64 bytes.
  output_.reserve(output_.size() + plain.size() + (plain.size() / (16 * 1024) + 1) * 64);
  ERR_clear_error();
  // The output takes everything, so a write is never partial.
  if (SSL_write_ex(ssl_, plain.data(), plain.size(), &written) != 1) return fail(tls_fault(ssl_));
  BOBBIN_ASSERT(written == plain.size());
  return {};
}

void TlsStream::end() noexcept {
  // A second call would wait for the peer's.
  if (!is_open_ || is_ended_) return;
  is_ended_ = true;
  ERR_clear_error();
  SSL_shutdown(ssl_);
}

}  // namespace bobbin::net
