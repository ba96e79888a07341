// base64url: each byte string has one text and each accepted text one byte string.

#include "src/auth/base64url.h"

#include "tests/fuzz/support/fuzz.h"

namespace bobbin::fuzz {

void run(std::string_view input) {
  const std::string text = auth::to_base64url(input);
  FUZZ_CHECK(text.size() == (input.size() * 4 + 2) / 3);
  const std::optional<std::string> bytes = auth::from_base64url(text);
  FUZZ_CHECK(bytes.has_value() && *bytes == input);
  if (const std::optional<std::string> decoded = auth::from_base64url(input)) {
    FUZZ_CHECK(auth::to_base64url(*decoded) == input);
  }
}

}  // namespace bobbin::fuzz
