#pragma once

#include <string>
#include <vector>

namespace bobbin::net::test {

struct LeafOptions {
  std::vector<std::string> names = {};  // subjectAltName entries as OpenSSL writes them: `DNS:x`, `IP:127.0.0.1`
  long valid_from_s = -3600;            // from now
  long valid_until_s = 3600;
  bool is_self_signed = false;
};

// A certificate authority of the test's own, with its certificate in a file as `--upstream-ca` takes it.
class TestAuthority {
 public:
  explicit TestAuthority(const char* name = "Bobbin test authority");
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  [[nodiscard]] const std::string& file() const { return file_; }
  // Writes certificate and key for a server, PEM, and gives their paths.
  struct Files {
    std::string certificate;
    std::string key;
  };
  Files issue(const LeafOptions& options);
  // An SSL_CTX* for a scripted server, freed with the authority.
  void* server_context(const LeafOptions& options);

 private:
  std::string folder_;
  std::string file_;
  void* key_;
  void* certificate_;
  std::vector<void*> contexts_;
  int issued_ = 0;
};

}  // namespace bobbin::net::test
