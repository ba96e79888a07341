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

Result<bool> verify_password(std::string_view password, const std::string& hash) {
  const int result = argon2id_verify(hash.c_str(), password.data(), password.size());
  if (result == ARGON2_MEMORY_ALLOCATION_ERROR)
    return fail(Code::overloaded, result, "no memory to look at a password: try again");
  return result == ARGON2_OK;
}

}  // namespace bobbin::auth
