// Proves when a certificate is made, kept, read again and refused; the clock is the tests' own.

#include "src/cli/server_certificate.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "src/net/self_signed.h"
#include "tests/support/test.h"
#include "tests/support/test_certificates.h"

using namespace bobbin;
using namespace bobbin::cli;
using bobbin::net::test::TestAuthority;

namespace {

constexpr int64_t kDayS = 24 * 3600;
constexpr int64_t kNow = 1'800'000'000;

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "bobbin-certificate-XXXXXX").string();
    CHECK(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

std::unique_ptr<ServerCertificate> self_signed(const Folder& folder, int64_t now_s) {
  return CHECK_OK(ServerCertificate::load_self_signed(folder.path, now_s));
}

mode_t mode_of(const std::string& path) {
  struct stat info {};
  CHECK_EQ(::stat(path.c_str(), &info), 0);
  return info.st_mode & 07777;
}

}  // namespace

TEST_CASE(a_self_signed_certificate_is_made_once_and_only_its_owner_reads_it) {
  const Folder folder;
  const auto first = self_signed(folder, kNow);
  CHECK(first->is_self_signed());
  CHECK_EQ(first->fingerprint().size(), 32u * 3 - 1);
  CHECK_EQ(mode_of(folder.path + "/tls-cert.pem"), mode_t{0600});
  CHECK_EQ(mode_of(folder.path + "/tls-key.pem"), mode_t{0600});
  CHECK_EQ(self_signed(folder, kNow + 300 * kDayS)->fingerprint(), first->fingerprint());
  const auto certificate = first->current().get()->certificate();
  CHECK(certificate.not_before_s < kNow);
  CHECK(certificate.not_after_s - certificate.not_before_s < 398 * kDayS);
}

TEST_CASE(it_is_made_again_before_its_end_and_when_the_clock_was_wrong) {
  const Folder folder;
  const auto first = self_signed(folder, kNow);
  const auto later = self_signed(folder, kNow + 370 * kDayS);
  CHECK(later->fingerprint() != first->fingerprint());
  CHECK(self_signed(folder, kNow)->fingerprint() != later->fingerprint());
}

TEST_CASE(a_server_that_runs_for_a_year_makes_it_again) {
  const Folder folder;
  const auto certificate = self_signed(folder, kNow);
  const std::string first = certificate->fingerprint();
  certificate->maintain(kNow + 300 * kDayS);
  CHECK_EQ(certificate->fingerprint(), first);
  certificate->maintain(kNow + 370 * kDayS);
  CHECK(certificate->fingerprint() != first);
  CHECK_EQ(self_signed(folder, kNow + 370 * kDayS)->fingerprint(), certificate->fingerprint());
}

TEST_CASE(a_pair_that_does_not_belong_together_is_made_again) {
  const Folder folder;
  const Folder other;
  const auto first = self_signed(folder, kNow);
  self_signed(other, kNow);
  std::filesystem::copy_file(other.path + "/tls-key.pem", folder.path + "/tls-key.pem",
                             std::filesystem::copy_options::overwrite_existing);
  const auto second = self_signed(folder, kNow);
  CHECK(second->fingerprint() != first->fingerprint());
  std::ofstream(folder.path + "/tls-cert.pem") << "-----BEGIN CERTIFICATE-----\nAAAA";
  CHECK(self_signed(folder, kNow)->fingerprint() != second->fingerprint());
}

TEST_CASE(files_are_read_again_when_asked_and_once_a_day_and_bad_ones_change_nothing) {
  TestAuthority authority;
  const auto a = authority.issue({.names = {"DNS:a"}});
  const auto b = authority.issue({.names = {"DNS:b"}});
  const Folder folder;
  const std::string certificate_file = folder.path + "/cert.pem";
  const std::string key_file = folder.path + "/key.pem";
  const auto install = [&](const std::string& certificate, const std::string& key) {
    const auto replace = std::filesystem::copy_options::overwrite_existing;
    std::filesystem::copy_file(certificate, certificate_file, replace);
    std::filesystem::copy_file(key, key_file, replace);
  };
  install(a.certificate, a.key);
  const auto certificate = CHECK_OK(ServerCertificate::load(certificate_file, key_file, kNow));
  CHECK(!certificate->is_self_signed());
  const std::string first = certificate->fingerprint();
  const auto first_context = certificate->current().get();

  install(b.certificate, a.key);  // half of a renewal
  certificate->reload(kNow);
  CHECK(certificate->current().get() == first_context);
  std::filesystem::remove(key_file);
  certificate->reload(kNow);
  CHECK(certificate->current().get() == first_context);

  install(b.certificate, b.key);
  certificate->maintain(kNow + 3600);
  CHECK_EQ(certificate->fingerprint(), first);
  certificate->reload(kNow + 3600);
  const std::string second = certificate->fingerprint();
  CHECK(second != first);

  install(a.certificate, a.key);
  certificate->maintain(kNow + 3600 + kDayS - 1);
  CHECK_EQ(certificate->fingerprint(), second);
  certificate->maintain(kNow + 3600 + kDayS);
  CHECK_EQ(certificate->fingerprint(), first);
}

TEST_CASE(what_cannot_be_shown_is_an_error_that_says_why) {
  TestAuthority authority;
  const auto a = authority.issue({.names = {"DNS:a"}});
  const auto b = authority.issue({.names = {"DNS:b"}});
  const Folder folder;
  const std::string empty = folder.path + "/empty";
  std::ofstream(empty).flush();
  const auto load = [](const std::string& certificate, const std::string& key) {
    const auto loaded = ServerCertificate::load(certificate, key, kNow);
    CHECK(!loaded.has_value());
    return std::string(loaded.error().detail);
  };
  CHECK(load("/nonexistent", a.key).find("certificate file cannot be opened") != std::string::npos);
  CHECK(load(a.certificate, "/nonexistent").find("key file cannot be opened") != std::string::npos);
  CHECK(load(empty, a.key).find("no certificate") != std::string::npos);
  CHECK(load(a.certificate, empty).find("no private key") != std::string::npos);
  CHECK(load(a.certificate, a.certificate).find("no private key") != std::string::npos);
  CHECK(load(a.certificate, b.key).find("not that of the certificate") != std::string::npos);
  CHECK_FAILS(ServerCertificate::load_self_signed("/nonexistent", kNow), Code::io);
}

TEST_CASE(names_that_cannot_be_are_refused) {
  CHECK_FAILS(net::make_self_signed({}, kNow), Code::invalid);
  for (const char* name : {"", "a b", "*", "a,DNS:b", ".a", "a..b", "-a", "1.2.3.4/8", "\xc3\xa4"})
    CHECK_FAILS(net::make_self_signed({name}, kNow), Code::invalid);
  CHECK_OK(net::make_self_signed({"localhost", "Box.local", "127.0.0.1", "::1"}, kNow));
  const std::vector<std::string> names = net::machine_names();
  CHECK_EQ(names.front(), "localhost");
  CHECK_OK(net::make_self_signed(names, kNow));
}
