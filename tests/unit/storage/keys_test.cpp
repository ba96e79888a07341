// Keys byte for byte against bytes written by hand (FORMAT.md, "Keys"), and that byte order is the order promised.
#include "storage/keys.h"

#include <algorithm>
#include <random>
#include <vector>

#include "src/base/result.h"
#include "tests/support/test.h"

using namespace bobbin;
using namespace bobbin::store;

namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out.push_back(static_cast<char>(value));
  return out;
}

std::string message_key(std::string_view user, std::string_view thread, uint64_t order) {
  std::string key;
  append_message_key(key, user, thread, order);
  return key;
}

std::string recency_key(std::string_view user, uint64_t stamp, std::string_view thread) {
  std::string key;
  append_recency_key(key, user, stamp, thread);
  return key;
}

}  // namespace

TEST_CASE(thread_prefix_is_two_sized_strings) {
  std::string key;
  append_thread_prefix(key, "ab", "t");
  CHECK_EQ(key, bytes({2, 'a', 'b', 1, 't'}));
}

TEST_CASE(message_key_ends_in_the_inverted_order) {
  CHECK_EQ(message_key("u", "t|x", 0x0102030405060708),
           bytes({1, 'u', 3, 't', '|', 'x', 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9, 0xf8, 0xf7}));
}

TEST_CASE(annotation_key_is_that_of_its_message_and_a_kind) {
  std::string key;
  append_annotation_key(key, "u", "t", 1, AnnotationKind::memory);
  CHECK_EQ(key, bytes({1, 'u', 1, 't', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 2}));
  const auto parsed = parse_annotation_key(key);
  CHECK(parsed && parsed->user == "u" && parsed->thread == "t" && parsed->order == 1);
  CHECK(parsed->kind == AnnotationKind::memory);
  for (size_t cut = 0; cut < key.size(); ++cut) CHECK(!parse_annotation_key(key.substr(0, cut)));
  CHECK(!parse_annotation_key(key + "x"));
}

TEST_CASE(recency_key_has_the_stamp_before_the_thread) {
  CHECK_EQ(recency_key("u", 1, "t"), bytes({1, 'u', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 1, 't'}));
}

TEST_CASE(run_key_ends_in_the_run_id) {
  Uuid run;
  for (size_t i = 0; i < 16; ++i) run.bytes[i] = static_cast<uint8_t>(i);
  std::string key;
  append_run_key(key, "u", "t", run);
  CHECK_EQ(key, bytes({1, 'u', 1, 't', 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}));
  CHECK(parse_run_key(key)->run_id == run);
}

TEST_CASE(queue_and_change_keys_count_up) {
  std::string queue;
  append_queue_key(queue, "u", "t", 258);
  CHECK_EQ(queue, bytes({1, 'u', 1, 't', 0, 0, 0, 0, 0, 0, 1, 2}));
  CHECK_EQ(parse_queue_key(queue)->position, uint64_t{258});
  std::string change;
  append_change_key(change, 258);
  CHECK_EQ(change, bytes({0, 0, 0, 0, 0, 0, 1, 2}));
}

TEST_CASE(the_longest_ids_fit) {
  const std::string longest(128, '\xff');
  const auto key = message_key(longest, longest, ~uint64_t{0});
  CHECK_EQ(key.size(), size_t{266});
  const auto parsed = parse_message_key(key);
  CHECK(parsed && parsed->user == longest && parsed->thread == longest && parsed->order == ~uint64_t{0});
}

TEST_CASE(prefix_end_is_the_first_key_after_the_prefix) {
  CHECK_EQ(prefix_end("ab"), "ac");
  CHECK_EQ(prefix_end(bytes({1, 'a', 0xff, 0xff})), bytes({1, 'b'}));
}

TEST_CASE(other_bytes_are_not_keys) {
  const std::string key = message_key("user", "thread", 9);
  for (size_t cut = 0; cut < key.size(); ++cut) CHECK(!parse_message_key(key.substr(0, cut)));
  CHECK(!parse_message_key(key + "x"));
  CHECK(!parse_message_key(bytes({0, 1, 't', 0, 0, 0, 0, 0, 0, 0, 0})));
  CHECK(!parse_message_key(bytes({129}) + std::string(200, 'x')));
  const std::string recency = recency_key("user", 9, "thread");
  for (size_t cut = 0; cut < recency.size(); ++cut) CHECK(!parse_recency_key(recency.substr(0, cut)));
  CHECK(!parse_recency_key(recency + "x"));
  CHECK_EQ(user_prefix_bytes(""), size_t{0});
  CHECK_EQ(thread_prefix_bytes(bytes({1, 'u'})), size_t{0});
}

TEST_CASE(random_keys_round_trip_and_keep_their_order) {
  const uint32_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  const auto id = [&] {
    std::string text(1 + random() % (random() % 8 == 0 ? 128 : 3), 'x');
    for (char& c : text) c = static_cast<char>(random() % 4 == 0 ? 0xff : random() % 3);
    return text;
  };
  struct Row {
    std::string user, thread;
    uint64_t order;
  };
  // The order of ids among each other does not matter; that of one thread does, and that threads never mix.
  std::vector<std::pair<std::string, Row>> rows;
  for (int i = 0; i < 3000; ++i) {
    Row row{id(), id(), random() >> (random() % 64)};
    std::string key = message_key(row.user, row.thread, row.order);
    const auto parsed = parse_message_key(key);
    if (!parsed || parsed->user != row.user || parsed->thread != row.thread || parsed->order != row.order) {
      bobbin::test::fail_check(__FILE__, __LINE__, "round trip, seed " + std::to_string(seed));
    }
    CHECK_EQ(thread_prefix_bytes(key), row.user.size() + row.thread.size() + 2);
    rows.emplace_back(std::move(key), std::move(row));
  }
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 1; i < rows.size(); ++i) {
    const auto& [key_a, a] = rows[i - 1];
    const auto& [key_b, b] = rows[i];
    const bool same = a.user == b.user && a.thread == b.thread;
    if (same) CHECK(a.order >= b.order);
    std::string prefix;
    append_thread_prefix(prefix, a.user, a.thread);
    CHECK_EQ(std::string_view(key_b).starts_with(prefix), same);
    CHECK_EQ(key_b < prefix_end(prefix), same);
  }
}
