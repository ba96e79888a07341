#include "src/base/text.h"

#include "tests/support/test.h"

namespace bobbin {
namespace {

std::string repeat(std::string_view text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out.append(text);
  return out;
}

TEST_CASE(every_code_point_but_surrogates_is_utf8) {
  for (uint32_t c = 0; c <= 0x11ffff; c += (c < 0x3000 ? 1 : 37)) {
    std::string text;
    if (c < 0x80) {
      text = {static_cast<char>(c)};
    } else if (c < 0x800) {
      text = {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 0x3f))};
    } else if (c < 0x10000) {
      text = {static_cast<char>(0xe0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3f)),
              static_cast<char>(0x80 | (c & 0x3f))};
    } else {
      text = {static_cast<char>(0xf0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 0x3f)),
              static_cast<char>(0x80 | (c >> 6 & 0x3f)), static_cast<char>(0x80 | (c & 0x3f))};
    }
    const bool allowed = (c < 0xd800 || c > 0xdfff) && c <= 0x10ffff;
    CHECK_EQ(is_utf8(text), allowed);
    CHECK_EQ(is_utf8("abcdefgh" + text + "abcdefgh"), allowed);
  }
}

TEST_CASE(overlong_cut_and_stray_bytes_are_not_utf8) {
  for (const char* text :
       {"\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\x80", "\xbf",
        "\xff", "\xfe", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3(", "\xed\xa0\x80"}) {
    CHECK_EQ(is_utf8(text), false);
  }
}

TEST_CASE(a_character_cut_anywhere_is_a_tail_and_nothing_else_is) {
  const std::string smile = "\xf0\x9f\x98\x80";
  for (size_t bytes = 0; bytes <= 4; ++bytes) {
    CHECK_EQ(utf8_tail_bytes("ab" + smile.substr(0, bytes)), bytes == 4 ? 0 : bytes);
  }
  CHECK_EQ(utf8_tail_bytes(""), 0u);
  CHECK_EQ(utf8_tail_bytes("\x80\x80\x80\x80"), 0u);
  CHECK_EQ(utf8_tail_bytes("\xe2\x28"), 0u);
  CHECK_EQ(utf8_tail_bytes("a\xff"), 0u);
  CHECK_EQ(utf8_tail_bytes("a\xed\xa0"), 0u);  // would be a surrogate: ill-formed already
}

TEST_CASE(repair_replaces_each_maximal_ill_formed_part_once) {
  CHECK_EQ(to_utf8_lossy("plain \xc3\xa4"), "plain \xc3\xa4");
  CHECK_EQ(to_utf8_lossy("a\xf0\x9f\x98z"), "a\xef\xbf\xbdz");
  CHECK_EQ(to_utf8_lossy("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  CHECK_EQ(is_utf8(to_utf8_lossy(std::string_view("\xff\xc0\x00\xe2\x82", 5))), true);
}

TEST_CASE(controls_are_found_in_both_ranges) {
  CHECK_EQ(has_control_characters("thread-\xc3\xa4\xe2\x80\x8d"), false);
  CHECK_EQ(has_control_characters("a\nb"), true);
  CHECK_EQ(has_control_characters(std::string_view("a\0b", 3)), true);
  CHECK_EQ(has_control_characters("a\x7f"), true);
  CHECK_EQ(has_control_characters("a\xc2\x85"), true);
  CHECK_EQ(has_control_characters("a\xc2\xa0"), false);
}

TEST_CASE(a_cut_falls_between_grapheme_clusters) {
  const std::string family = "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7\xe2\x80\x8d\xf0\x9f\x91\xa6";  // one cluster
  const std::string e_acute = "e\xcc\x81";
  CHECK_EQ(cut_graphemes("abc", 3), "abc");
  CHECK_EQ(cut_graphemes("abcd", 3), "abc...");
  CHECK_EQ(cut_graphemes(repeat(family, 3), 2), repeat(family, 2) + "...");
  CHECK_EQ(cut_graphemes(repeat(e_acute, 3), 3), repeat(e_acute, 3));
  CHECK_EQ(cut_graphemes("", 3), "");
}

TEST_CASE(a_line_has_no_line_ends_and_single_spaces) {
  CHECK_EQ(cut_line("  a \r\n\t b\xe2\x80\xa8"
                    "c  ",
                    50),
           "a b c");
  CHECK_EQ(cut_line("\n\n", 50), "");
  CHECK_EQ(cut_line("ab cd", 3), "ab ...");
  CHECK_EQ(cut_line(repeat("x", 50), 50), repeat("x", 50));
}

TEST_CASE(a_cluster_of_endless_marks_is_bounded) {
  const std::string zalgo = "a" + repeat("\xcc\x81", 10'000) + "b";
  const std::string line = cut_line(zalgo, 50);
  CHECK(line.size() < 100);
  CHECK(is_utf8(line));
  CHECK_EQ(line.back(), 'b');
}

}  // namespace
}  // namespace bobbin
