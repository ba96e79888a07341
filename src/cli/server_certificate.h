#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "src/net/current_tls.h"

namespace bobbin::cli {

// The certificate that `bobbin serve` shows: files of the operator's, or a self-signed one in the data directory. Kept
// by the main thread alone; workers see current().
class ServerCertificate {
 public:
  // One that the operator gives, PEM. A key that others can read is warned of.
  // Errors: those of net::TlsContext::make_server.
  static Result<std::unique_ptr<ServerCertificate>> load(const std::string& certificate_file,
                                                         const std::string& key_file, int64_t now_s);

  // `directory`/tls-cert.pem and tls-key.pem, mode 0600: made anew when missing, damaged, or about to expire.
  // `directory` is there, and held by this process. Errors: io.
  static Result<std::unique_ptr<ServerCertificate>> load_self_signed(const std::string& directory, int64_t now_s);

  [[nodiscard]] const net::CurrentTls& current() const noexcept { return current_; }
  [[nodiscard]] bool is_self_signed() const noexcept { return is_self_signed_; }
  // SHA-256, as browsers show it.
  [[nodiscard]] std::string fingerprint() const { return current_.get()->certificate().fingerprint; }

  // Reads the files again. When they are of no use, says so in the log and keeps what there is.
  void reload(int64_t now_s);

  // Call from time to time, an hour apart or so: remakes a self-signed certificate that comes to its end, and once a
  // day reads the files again, with new keys for session tickets: who steals one cannot read yesterday's sessions.
  void maintain(int64_t now_s);

 private:
  ServerCertificate(std::string certificate_file, std::string key_file, bool is_self_signed,
                    std::shared_ptr<const net::TlsContext> context, int64_t now_s);
  Result<void> read(int64_t now_s);
  void warn_before_end(int64_t now_s) const;

  const std::string certificate_file_;
  const std::string key_file_;
  const bool is_self_signed_;
  net::CurrentTls current_;
  int64_t read_s_;
};

}  // namespace bobbin::cli
