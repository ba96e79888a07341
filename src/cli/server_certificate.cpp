#include "src/cli/server_certificate.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "src/base/log.h"
#include "src/cli/tool_answer.h"
#include "src/net/self_signed.h"
#include "storage/directory.h"

namespace bobbin::cli {
namespace {

constexpr int64_t kDayS = 24 * 3600;
// A self-signed certificate is remade so long before its end; people have to trust the new one anyway.
constexpr int64_t kRemakeDays = 30;
// Automatic renewal has had its chances by then.
constexpr int64_t kWarnDays = 14;

// All of it under its name, or what was there before.
Result<void> replace_file(const std::string& path, const std::string& text) {
  const std::string draft = path + ".new";
  ::unlink(draft.c_str());
  TRY(store::write_private_file(draft, text));
  if (::rename(draft.c_str(), path.c_str()) == 0) return {};
  return fail(Code::io, errno, "the self-signed certificate cannot be stored in the data directory");
}

Result<void> make_files(const std::string& directory, const std::string& certificate_file, const std::string& key_file,
                        int64_t now_s) {
  TRY_ASSIGN(const net::SelfSigned made, net::make_self_signed(net::machine_names(), now_s));
  // Should the process end in between, they do not belong together, and are made once more.
  TRY(replace_file(key_file, made.key_pem));
  TRY(replace_file(certificate_file, made.certificate_pem));
  return store::sync_directory(directory);
}

// Good for a while to come; clocks that were wrong when it was made are noticed, too.
bool is_fresh(const net::TlsContext::Certificate& certificate, int64_t now_s) noexcept {
  return certificate.not_before_s <= now_s && now_s < certificate.not_after_s - kRemakeDays * kDayS;
}

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

void warn_of_readers(const std::string& key_file) {
  struct stat info {};
  if (::stat(key_file.c_str(), &info) != 0 || !S_ISREG(info.st_mode) || (info.st_mode & 077) == 0) return;
  log::warn("the TLS key can be read by others than its owner; chmod 600 mends it", {{"file", key_file}});
}

}  // namespace

ServerCertificate::ServerCertificate(std::string certificate_file, std::string key_file, bool is_self_signed,
                                     std::shared_ptr<const net::TlsContext> context, int64_t now_s)
    : certificate_file_(std::move(certificate_file)),
      key_file_(std::move(key_file)),
      is_self_signed_(is_self_signed),
      current_(std::move(context)),
      read_s_(now_s) {
  warn_before_end(now_s);
}

Result<std::unique_ptr<ServerCertificate>> ServerCertificate::load(const std::string& certificate_file,
                                                                   const std::string& key_file, int64_t now_s) {
  TRY_ASSIGN(auto context, net::TlsContext::make_server(certificate_file, key_file));
  warn_of_readers(key_file);
  return std::unique_ptr<ServerCertificate>(
      new ServerCertificate(certificate_file, key_file, false, std::move(context), now_s));
}

Result<std::unique_ptr<ServerCertificate>> ServerCertificate::load_self_signed(const std::string& directory,
                                                                               int64_t now_s) {
  const std::string certificate_file = directory + "/" + store::kCertificateName;
  const std::string key_file = directory + "/" + store::kCertificateKeyName;
  Result<std::shared_ptr<const net::TlsContext>> context = net::TlsContext::make_server(certificate_file, key_file);
  if (!context || !is_fresh((*context)->certificate(), now_s)) {
    TRY(make_files(directory, certificate_file, key_file, now_s));
    context = net::TlsContext::make_server(certificate_file, key_file);
    if (!context) return fail(context.error());
    log::info("made a self-signed certificate", {{"file", certificate_file}});
  }
  return std::unique_ptr<ServerCertificate>(
      new ServerCertificate(certificate_file, key_file, true, std::move(*context), now_s));
}

Result<void> ServerCertificate::read(int64_t now_s) {
  read_s_ = now_s;
  TRY_ASSIGN(auto context, net::TlsContext::make_server(certificate_file_, key_file_));
  const std::string before = fingerprint();
  current_.set(std::move(context));
  if (const std::string after = fingerprint(); after != before)
    log::info("new connections are shown another certificate", {{"sha256", after}});
  warn_before_end(now_s);
  return {};
}

void ServerCertificate::reload(int64_t now_s) {
  if (!is_self_signed_) warn_of_readers(key_file_);
  if (const Result<void> result = read(now_s); !result) {
    log::error("the certificate cannot be read again; the old one stays",
               {{"file", certificate_file_}, {"key", key_file_}, {"why", complaint_of(result.error())}});
    return;
  }
  log::info("the certificate was read again", {{"file", certificate_file_}});
}

void ServerCertificate::maintain(int64_t now_s) {
  if (is_self_signed_ && !is_fresh(current_.get()->certificate(), now_s)) {
    const Result<void> made = make_files(directory_of(certificate_file_), certificate_file_, key_file_, now_s);
    if (!made) return log::error("a self-signed certificate cannot be made", {{"why", complaint_of(made.error())}});
    return reload(now_s);
  }
  // Also when the clock was set back.
  if (now_s - read_s_ < kDayS && now_s >= read_s_) return;
  if (const Result<void> result = read(now_s); !result)
    log::error("the certificate cannot be read again; the old one stays",
               {{"file", certificate_file_}, {"why", complaint_of(result.error())}});
}

void ServerCertificate::warn_before_end(int64_t now_s) const {
  const int64_t left_s = current_.get()->certificate().not_after_s - now_s;
  if (left_s >= kWarnDays * kDayS) return;
  if (left_s <= 0) return log::error("the certificate has expired", {{"file", certificate_file_}});
  log::warn("the certificate expires soon", {{"file", certificate_file_}, {"days", left_s / kDayS}});
}

}  // namespace bobbin::cli
