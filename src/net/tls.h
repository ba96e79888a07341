#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "src/base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace bobbin::net {

// Certificates, roots and protocol settings, shared by all connections of one side. Immutable, any thread.
// TLS 1.2 or newer, no renegotiation, no compression, ALPN `http/1.1`.
class TlsContext {
 public:
  // Trusts the system's roots, and those of the PEM file `extra_ca_file` where it is not empty.
  // There is no way to switch verification off. Errors: io (the file has no certificate that can be read).
  static Result<std::shared_ptr<const TlsContext>> make_client(const std::string& extra_ca_file);

  // Shows the certificate chain of a PEM file. Ciphers with forward secrecy and authentication alone; X25519 or P-256
  // where the client can; tickets by keys of this context, so that a new one begins new keys; no 0-RTT.
  // Errors: io with errno (a file cannot be opened), invalid (what is in it is of no use: the detail says why).
  static Result<std::shared_ptr<const TlsContext>> make_server(const std::string& certificate_file,
                                                               const std::string& key_file);

  // What a server's context shows.
  struct Certificate {
    std::string fingerprint;   // SHA-256 as browsers show it: `AB:CD:…`
    int64_t not_before_s = 0;  // since 1970
    int64_t not_after_s = 0;
  };
  [[nodiscard]] Certificate certificate() const;

  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

 private:
  friend class TlsStream;
  explicit TlsContext(ssl_ctx_st* context) noexcept : context_(context) {}
  ssl_ctx_st* const context_;
};

// One TLS connection as bytes in, bytes out; no socket. One thread.
//
// After each call, send what take_output() gives: also after a failed one, where it is the alert.
// After an error nothing but take_output() may be called.
class TlsStream {
 public:
  // The client's side: the certificate must be valid for `host`, a DNS name or an IP literal without brackets.
  // The first flight waits in the output.
  static Result<std::unique_ptr<TlsStream>> make_client(const TlsContext& context, const std::string& host);
  static Result<std::unique_ptr<TlsStream>> make_server(const TlsContext& context);

  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;
  ~TlsStream();

  // Takes bytes off the wire and appends what they decrypt to `plain`, never more than came in.
  // Errors: io, with OpenSSL's number: "certificate: …" when the peer is not who it should be, "TLS: …" otherwise.
  // `plain` then still has what came before the fault.
  Result<void> receive(std::string_view wire, std::string& plain);

  // Encrypts `plain` into the output. Requires is_open(). Errors: io.
  Result<void> send(std::string_view plain);

  // Says that nothing more will be sent (close_notify). What the peer still sends can be received. Idempotent.
  void end() noexcept;

  // The handshake is done, and the peer is who it should be.
  [[nodiscard]] bool is_open() const noexcept { return is_open_; }
  // The peer has said that nothing more will come. An end of the socket without this is a cut.
  [[nodiscard]] bool is_ended_by_peer() const noexcept { return is_ended_by_peer_; }

  // Bytes for the wire; empty when there are none.
  [[nodiscard]] std::string take_output() noexcept { return std::exchange(output_, {}); }
  [[nodiscard]] size_t output_bytes() const noexcept { return output_.size(); }

 private:
  friend struct TlsBytes;  // OpenSSL's way to input_ and output_
  explicit TlsStream(ssl_st* ssl) noexcept : ssl_(ssl) {}
  static Result<std::unique_ptr<TlsStream>> make(const TlsContext& context);
  Result<void> handshake();
  Result<void> decrypt(std::string& plain);

  ssl_st* const ssl_;
  std::string_view input_;  // what receive() was given and OpenSSL has not taken yet; empty between calls
  std::string output_;
  bool is_open_ = false;
  bool is_ended_ = false;
  bool is_ended_by_peer_ = false;
};

}  // namespace bobbin::net
