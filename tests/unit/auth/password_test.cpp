// Passwords: the right one is right, everything else is not, and no two hashes are alike.
#include "src/auth/password.h"

#include "tests/support/test.h"

using namespace bobbin;
using namespace bobbin::auth;

TEST_CASE(a_password_is_known_again_and_no_other) {
  const std::string hash = CHECK_OK(hash_password("correct horse"));
  CHECK(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
  CHECK(*verify_password("correct horse", hash));
  CHECK(!*verify_password("correct horsf", hash));
  CHECK(!*verify_password("correct hors", hash));
  CHECK(!*verify_password("", hash));
  CHECK(!*verify_password(std::string("correct horse\0", 14), hash));
}

TEST_CASE(the_same_password_has_another_hash_each_time) {
  CHECK(CHECK_OK(hash_password("correct horse")) != CHECK_OK(hash_password("correct horse")));
}

TEST_CASE(a_password_with_any_bytes_is_whole) {
  const std::string password("ge\0heim\xc3\xa4\n", 11);
  const std::string hash = CHECK_OK(hash_password(password));
  CHECK(*verify_password(password, hash));
  CHECK(!*verify_password("ge", hash));
}

TEST_CASE(what_is_no_hash_is_of_no_password) {
  for (const char* hash :
       {"", "$", "plain", "$argon2id$v=19$m=19456,t=2,p=1$", "$argon2id$v=19$m=1,t=0,p=1$c2FsdHNhbHQ$aGFzaA"})
    CHECK(!verify_password("correct horse", hash).value_or(false));
}

TEST_CASE(the_decoy_is_a_hash_like_others_and_of_nothing) {
  CHECK(kDecoyPasswordHash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
  CHECK_EQ(kDecoyPasswordHash.size(), CHECK_OK(hash_password("correct horse")).size());
  CHECK(!*verify_password("", std::string(kDecoyPasswordHash)));
}

TEST_CASE(a_password_has_8_to_1024_bytes) {
  CHECK_FAILS(check_password("1234567"), Code::invalid);
  CHECK_OK(check_password("12345678"));
  CHECK_OK(check_password(std::string(1024, 'x')));
  CHECK_FAILS(check_password(std::string(1025, 'x')), Code::invalid);
}
