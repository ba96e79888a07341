// Proves: names compare without case, lists split at commas, and a moved HeaderBlock keeps its fields.

#include "proto_http/headers.h"

#include "tests/support/test.h"

using namespace bobbin::http;

TEST_CASE(names_compare_without_case_but_only_letters) {
  CHECK(equals_ignoring_case("Content-LENGTH", "content-length"));
  CHECK(!equals_ignoring_case("a", "ab"));
  CHECK(!equals_ignoring_case("[", "{"));  // 0x5b and 0x7b differ by the same bit as letters do
  CHECK(!equals_ignoring_case("@", "`"));
}

TEST_CASE(a_list_has_whole_members_only) {
  CHECK(list_has_token("a, b ,\tc", "B"));
  CHECK(list_has_token("a,b,\tc\t", "c"));
  CHECK(!list_has_token("closed, xclose", "close"));
  CHECK(!list_has_token("", "close"));
  CHECK(!list_has_token("a b", "a"));
}

TEST_CASE(values_and_tokens_know_their_bytes) {
  CHECK(is_header_value("a\tb \xff"));
  CHECK(is_header_value(""));
  for (const std::string_view bad : {std::string_view("\r"), std::string_view("\n"), std::string_view("\0", 1),
                                     std::string_view("\x7f"), std::string_view("\x1b")}) {
    CHECK(!is_header_value(bad));
    CHECK(!is_token(bad));
  }
  CHECK(is_token("X-Y_z.1"));
  CHECK(!is_token(""));
  CHECK(!is_token("a b"));
  CHECK(!is_token("a:"));
}

TEST_CASE(a_moved_block_of_a_short_string_keeps_its_fields) {
  // Nine bytes lie inside the std::string itself, so moving changes where they are.
  HeaderBlock from("A:1\r\nb:22", {{0, 1, 2, 1}, {5, 1, 7, 2}});
  const HeaderBlock block = std::move(from);
  CHECK_EQ(block.size(), 2u);
  CHECK_EQ(block[0].name, "A");
  CHECK_EQ(*block.find("B"), "22");
  CHECK(!block.find("c"));
  CHECK_EQ(block.count("a"), 1u);
  size_t seen = 0;
  for (const HeaderField field : block) seen += field.name.size() + field.value.size();
  CHECK_EQ(seen, 5u);
}
