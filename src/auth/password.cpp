#include "src/auth/password.h"

#include <argon2.h>

#include <array>

#include "src/base/uuid.h"

namespace bobbin::auth {
namespace {

constexpr uint32_t kLanes = 1;
constexpr size_t kSaltBytes = 16;
constexpr size_t kHashBytes = 32;

}  // namespace

Result<void> check_password(std::string_view password) {
  if (password.size() < kPasswordBytesMin) return fail(Code::invalid, 0, "a password has 8 characters or more");
  if (password.size() > kPasswordBytesMax) return fail(Code::invalid, 0, "a password has at most 1024 bytes");
  return {};
}

Result<std::string> hash_password(std::string_view password) {
  std::array<char, kSaltBytes> salt;
  fill_random(salt.data(), salt.size());
  std::string hash(argon2_encodedlen(kPasswordPasses, kPasswordMemoryKiB, kLanes, kSaltBytes, kHashBytes, Argon2_id),
                   '\0');
  const int result =
      argon2id_hash_encoded(kPasswordPasses, kPasswordMemoryKiB, kLanes, password.data(), password.size(), salt.data(),
                            salt.size(), kHashBytes, hash.data(), hash.size());
  if (result != ARGON2_OK) return fail(Code::overloaded, result, "no memory to hash a password: try again");
  hash.resize(hash.find('\0'));
  return hash;
}

bool verify_password(std::string_view password, const std::string& hash) {
  return argon2id_verify(hash.c_str(), password.data(), password.size()) == ARGON2_OK;
}

const std::string& decoy_password_hash() {
  // The same parameters; its bytes are the hash of nothing that anybody knows.
  static const std::string decoy = [] {
    std::array<char, kHashBytes> unknown;
    fill_random(unknown.data(), unknown.size());
    return hash_password({unknown.data(), unknown.size()}).value_or("");
  }();
  return decoy;
}

}  // namespace bobbin::auth
