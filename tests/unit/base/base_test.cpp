#include <set>

#include "src/base/bytes.h"
#include "src/base/clock.h"
#include "src/base/json.h"
#include "src/base/metrics.h"
#include "src/base/result.h"
#include "src/base/text_arena.h"
#include "src/base/uuid.h"
#include "tests/support/test.h"

namespace bobbin {
namespace {

std::string rfc3339(int64_t wall_us) {
  std::string text;
  append_rfc3339(text, wall_us);
  return text;
}

TEST_CASE(times_have_six_digits_and_a_z) {
  CHECK_EQ(rfc3339(0), "1970-01-01T00:00:00.000000Z");
  CHECK_EQ(rfc3339(1'765'881'000'123'456), "2025-12-16T10:30:00.123456Z");
  CHECK_EQ(rfc3339(1'709'164'800'000'001), "2024-02-29T00:00:00.000001Z");
  CHECK_EQ(rfc3339(-1), "1970-01-01T00:00:00.000000Z");
  CHECK_EQ(rfc3339(INT64_MAX), "9999-12-31T23:59:59.999999Z");
}

TEST_CASE(texts_of_an_arena_stay_where_they_are_when_it_grows_moves_and_is_given_away) {
  std::vector<std::string> texts{"", "a", std::string(1 << 20, 'b'), std::string(40'000, 'c')};
  for (int i = 0; i < 5000; ++i)
    texts.push_back(std::string(static_cast<size_t>(i % 300), static_cast<char>('a' + i % 26)));
  TextArena whole;
  std::vector<std::string_view> kept;
  for (size_t i = 0; i < texts.size();) {
    TextArena part;
    for (size_t of_part = 0; of_part < 1000 && i < texts.size(); ++of_part, ++i) kept.push_back(part.keep(texts[i]));
    TextArena moved = std::move(part);
    kept.push_back(moved.keep("between"));
    texts.insert(texts.begin() + static_cast<ptrdiff_t>(i++), "between");
    whole.adopt(std::move(moved));
  }
  CHECK_EQ(kept.size(), texts.size());
  for (size_t i = 0; i < kept.size(); ++i) CHECK_EQ(kept[i], texts[i]);
}

TEST_CASE(big_endian_order_is_number_order) {
  const uint64_t values[] = {0, 1, 255, 256, 1u << 31, UINT64_C(1) << 63, UINT64_MAX};
  std::string previous;
  for (const uint64_t value : values) {
    std::string text;
    append_be64(text, value);
    CHECK(previous < text || value == 0);
    CHECK_EQ(load_be64(text.data()), value);
    previous = text;
  }
  std::string text;
  append_be32(text, 0x01020304);
  CHECK_EQ(text, std::string("\x01\x02\x03\x04"));
  append_le32(text, 0x01020304);
  CHECK_EQ(text.substr(4), std::string("\x04\x03\x02\x01"));
}

TEST_CASE(strings_are_escaped_and_nothing_else_changes) {
  std::string out;
  json::append_string(out, std::string_view("a\"b\\c\n\t\r\b\f\0\x1f\x7f/\xc3\xa4\xe2\x80\xa8", 19));
  CHECK_EQ(out, "\"a\\\"b\\\\c\\n\\t\\r\\b\\f\\u0000\\u001f\\u007f/\xc3\xa4\xe2\x80\xa8\"");
}

TEST_CASE(an_object_writes_its_commas) {
  std::string out;
  json::Object object(out);
  object.field("a", "x").number("b", -3).boolean("c", true).null("d");
  object.key("e").append("[]");
  object.close();
  CHECK_EQ(out, R"({"a":"x","b":-3,"c":true,"d":null,"e":[]})");
}

TEST_CASE(a_message_id_says_its_stamp) {
  std::set<Uuid> seen;
  for (uint64_t stamp : {UINT64_C(0), UINT64_C(1), UINT64_C(999), UINT64_C(1'765'881'000'123'456)}) {
    for (int i = 0; i < 50; ++i) {
      const Uuid id = make_uuid_v7(stamp);
      CHECK_EQ(uuid_v7_stamp_us(id).value(), stamp);
      CHECK_EQ(id.bytes[8] >> 6, 2);
      CHECK(Uuid::parse(id.to_string()) == id);
      CHECK(seen.insert(id).second);
    }
  }
  CHECK(make_uuid_v7(1000) < make_uuid_v7(1001));
  CHECK(!uuid_v7_stamp_us(make_uuid_v4()).has_value());
}

TEST_CASE(only_the_36_character_form_is_a_uuid) {
  CHECK(Uuid::parse("01234567-89AB-cdef-0123-456789abcdef").has_value());
  for (const char* text : {"", "0123456789abcdef0123456789abcdef", "01234567-89ab-cdef-0123-456789abcde",
                           "01234567-89ab-cdef-0123-456789abcdeg", "{1234567-89ab-cdef-0123-456789abcdef",
                           "0123456789ab--cdef-0123-456789abcdef", "01234567-89ab-cdef-0123-456789abcdef "}) {
    CHECK(!Uuid::parse(text).has_value());
  }
}

Result<int> half(int value) {
  if (value % 2 != 0) return fail(Code::invalid, value, "odd");
  return value / 2;
}
Result<int> quarter(int value) {
  TRY_ASSIGN(const int halved, half(value));
  TRY(half(halved));
  return half(halved);
}

TEST_CASE(an_error_keeps_its_kind_and_place_on_the_way_up) {
  CHECK_EQ(CHECK_OK(quarter(8)), 2);
  const Result<int> failed = quarter(6);
  CHECK(!failed.has_value());
  CHECK_EQ(failed.error().number, 3);
  CHECK_EQ(std::string_view(failed.error().detail), "odd");
  CHECK(std::string_view(failed.error().file).ends_with("base_test.cpp"));
  CHECK_FAILS(quarter(7), Code::invalid);
}

TEST_CASE(every_counter_is_named_once_in_the_prometheus_text) {
  metrics::add(metrics::Counter::runs_started, 3);
  std::string out;
  metrics::append_prometheus(out);
  CHECK(out.find("\nbobbin_runs_started_total 3\n") != std::string::npos);
  size_t helps = 0;
  for (size_t at = out.find("# HELP"); at != std::string::npos; at = out.find("# HELP", at + 1)) ++helps;
  CHECK_EQ(helps, static_cast<size_t>(metrics::Counter::count_) + static_cast<size_t>(metrics::Gauge::count_));
  CHECK(out.find("# HELP  ") == std::string::npos);
}

}  // namespace
}  // namespace bobbin
