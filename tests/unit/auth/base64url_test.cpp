#include "src/auth/base64url.h"

#include "tests/support/test.h"

// One text for each byte string: the vectors of RFC 4648 §10 without their padding, and everything that must not
// decode.
namespace bobbin::auth {
namespace {

TEST_CASE(vectors_of_the_rfc_go_both_ways) {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "-_-_"}};
  for (const auto& [bytes, text] : vectors) {
    CHECK_EQ(to_base64url(bytes), text);
    CHECK_EQ(from_base64url(text).value(), bytes);
  }
}

TEST_CASE(every_byte_at_every_place_comes_back) {
  for (size_t size = 1; size <= 4; ++size) {
    for (size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string bytes(size, 'x');
        bytes[at] = static_cast<char>(byte);
        CHECK_EQ(from_base64url(to_base64url(bytes)).value(), bytes);
      }
    }
  }
}

TEST_CASE(only_the_canonical_text_decodes) {
  const std::string_view bad[] = {"Zg==",   "Zg=",   "Z",     "Zm9vY", "Zh",   "Zm9",
                                  "Zm9v\n", " Zm9v", "Zm 9v", "+_-_",  "-/-_", "Zm9v."};
  for (const std::string_view text : bad) CHECK(!from_base64url(text).has_value());
  CHECK(!from_base64url(std::string_view("Zm\0v", 4)).has_value());
}

}  // namespace
}  // namespace bobbin::auth
