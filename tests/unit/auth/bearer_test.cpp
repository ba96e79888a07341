#include "src/auth/bearer.h"

#include <vector>

#include "tests/support/test.h"

// The header is taken in exactly one form; all others are 401.
namespace bobbin::auth {
namespace {

Result<std::string_view> token_of(std::vector<std::string_view> values) { return bearer_token(values); }

TEST_CASE(scheme_has_any_case_and_one_space) {
  CHECK_EQ(CHECK_OK(token_of({"Bearer abc.def.ghi"})), "abc.def.ghi");
  CHECK_EQ(CHECK_OK(token_of({"bearer abc"})), "abc");
  CHECK_EQ(CHECK_OK(token_of({"BEARER a-._~+/9=="})), "a-._~+/9==");
}

TEST_CASE(anything_else_is_unauthorized) {
  CHECK_FAILS(token_of({}), Code::unauthorized);
  CHECK_FAILS(token_of({"Bearer a", "Bearer a"}), Code::unauthorized);
  const std::string_view bad[] = {
      "",           "Bearer",          "Bearer ",   "Bearer  abc",     "Bearer\tabc", "Bearer abc ",
      "Bearer a b", "Basic dTpw",      "Bearerabc", "Bearer a,b",      "Bearer =",    "Bearer a=b",
      " Bearer a",  "Bearer \xc3\xa9", "Token a",   "Bearer a\r\nX: y"};
  for (const std::string_view value : bad) CHECK_FAILS(token_of({value}), Code::unauthorized);
  CHECK_FAILS(token_of({std::string_view("Bearer a\0b", 10)}), Code::unauthorized);
}

}  // namespace
}  // namespace bobbin::auth
