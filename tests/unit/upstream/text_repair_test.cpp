#include "src/base/text.h"
#include "src/upstream/json_repair.h"
#include "src/upstream/utf8_joiner.h"
#include "tests/support/test.h"

// Text that servers cut without looking for characters.
namespace bobbin::upstream {
namespace {

TEST_CASE(every_cut_of_a_text_joins_to_the_same_text) {
  const std::string text = "a\xc3\xa9\xe4\xbd\xa0\xf0\x9f\xa7\xb5z";
  for (size_t first = 0; first <= text.size(); ++first) {
    for (size_t second = first; second <= text.size(); ++second) {
      Utf8Joiner joiner;
      std::string out(joiner.join(std::string_view(text).substr(0, first)));
      out += joiner.join(std::string_view(text).substr(first, second - first));
      out += joiner.join(std::string_view(text).substr(second));
      CHECK_EQ(out, text);
      CHECK_EQ(joiner.finish(), "");
    }
  }
}

TEST_CASE(what_never_becomes_a_character_is_replaced) {
  Utf8Joiner joiner;
  CHECK_EQ(joiner.join("a\xf0\x9f"), "a");
  CHECK_EQ(joiner.join("b"), "\ufffdb");
  CHECK_EQ(joiner.join("\xa7"), "\ufffd");
  CHECK_EQ(joiner.join("\xe4"), "");
  CHECK_EQ(joiner.finish(), "\ufffd");
  CHECK_EQ(joiner.finish(), "");
}

TEST_CASE(marks_turn_back_into_every_byte) {
  for (int byte = 0x80; byte < 0x100; ++byte) {
    const std::string bad = "x" + std::string(1, static_cast<char>(byte)) + "y";
    const std::string marked = mark_ill_formed(bad);
    CHECK(is_utf8(marked));
    CHECK_EQ(unmark(marked), bad);
  }
}

TEST_CASE(well_formed_documents_are_unchanged) {
  for (const std::string_view json : {R"({"a":"\ud83e\uddf5\\ud800 \u00e9 é 你 🧵 \" \\"})", R"({"a":"\\\\u"})", "",
                                      "\\", R"("\u12)", R"("\uzzzz")"}) {
    CHECK_EQ(mark_ill_formed(json), json);
  }
}

TEST_CASE(lone_surrogates_are_replaced) {
  CHECK_EQ(mark_ill_formed(R"("\ud800")"), R"("\ufffd")");
  CHECK_EQ(mark_ill_formed(R"("\uDC00\uD800")"), R"("\ufffd\ufffd")");
  CHECK_EQ(mark_ill_formed(R"("\ud800\n\\ud800")"), R"("\ufffd\n\\ud800")");
  CHECK_EQ(mark_ill_formed(R"("\ud800\ud83e\uddf5")"), R"("\ufffd\ud83e\uddf5")");
}

}  // namespace
}  // namespace bobbin::upstream
