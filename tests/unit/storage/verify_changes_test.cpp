// The change log with what follows from it, and the run log: damage is named, what is derived is mended.
#include <fstream>

#include "storage/run_log_format.h"
#include "tests/unit/storage/verify_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

TEST_CASE(a_gap_in_the_change_log_and_a_lost_end_are_found) {
  {
    Planted p;
    p.remove_change(5);
    p.expect_listed("changes, sequence 6: the entry before it is 4 [0]");
  }
  {
    Planted p;
    const size_t count = p.raw->keys(Family::changes).size();
    for (uint64_t sequence = 4; sequence <= count; ++sequence) p.remove_change(sequence);
    p.expect_listed("it was made by a change that the change log does not reach [0]");
  }
  {
    Planted p;
    std::string value;
    append_number_record(value, 1000);
    p.raw->put(Family::meta, "follower/search", value);
    p.expect_listed("meta, name follower/search: it is ahead of the change log [0]");
  }
  {
    Planted p;
    std::string key;
    append_change_key(key, 5);
    p.raw->damage(Family::changes, key);
    p.expect_listed("changes, sequence 5: record fails its checksum [0]");
  }
}

TEST_CASE(the_change_log_begins_where_it_says) {
  Planted p;
  for (uint64_t sequence = 1; sequence <= 3; ++sequence) p.remove_change(sequence);
  p.expect_mended("meta, name changes/first: says 1; the oldest change is 4");
  const std::string key(kFirstChangeKey);
  CHECK_EQ(CHECK_OK(decode_number(*p.raw->get(Family::meta, key))), 4u);
  p.raw->damage(Family::meta, key);
  p.expect_mended("meta, name changes/first: record fails its checksum; the oldest change is 4");
  p.raw.reset();
  p.f.open();
  CHECK(CHECK_OK(p.f.store->read_changes(2, 10, 1 << 20)).lost);
  CHECK_EQ(CHECK_OK(p.f.store->read_changes(3, 1, 1 << 20)).changes.size(), 1u);
}

TEST_CASE(each_change_has_its_event_in_one_feed) {
  const std::string words = "feed, user \"anna\" sequence 3: ";
  Planted p;
  const std::string key = Planted::feed_key("anna", 3);
  const std::string event = *p.raw->get(Family::feed, key);
  p.raw->remove(Family::feed, key);
  p.expect_mended(words + "is missing");
  CHECK(*p.raw->get(Family::feed, key) == event);
  p.raw->damage(Family::feed, key);
  p.expect_mended(words + "is not what the change log says");
  CHECK(*p.raw->get(Family::feed, key) == event);
  p.raw->put(Family::feed, key, *p.raw->get(Family::feed, Planted::feed_key("anna", 4)));
  p.expect_mended(words + "is not what the change log says");
  CHECK(*p.raw->get(Family::feed, key) == event);
  p.raw->put(Family::feed, Planted::feed_key("anna", 1000), event);
  p.expect_mended("feed, user \"anna\" sequence 1000: its change is not in the change log");
  p.raw->put(Family::feed, Planted::feed_key("bert", 3), event);
  p.expect_mended("feed, user \"bert\" sequence 3: its change is another user's");
}

TEST_CASE(damage_in_the_run_log_is_told_from_a_torn_end) {
  Planted p;
  const std::string folder = p.f.directory.path() + "/data/runlog/";
  const auto write = [&](const std::string& bytes) {
    std::ofstream(folder + "00000000000000aa.log", std::ios::binary | std::ios::trunc) << bytes;
  };
  std::string segment;
  append_segment_head(segment, 0xaa, kStartUs);
  std::vector<size_t> ends{segment.size()};
  for (uint64_t id = 1; id <= 3; ++id) {
    append_frame(segment, {.kind = RunLogKind::token, .run_id = run_number(1), .event_id = id, .bytes = "some words"});
    ends.push_back(segment.size());
  }
  for (size_t bytes = 0; bytes <= segment.size(); ++bytes) {
    write(segment.substr(0, bytes));
    check_clean(look(p.raw->database()));
  }
  write(std::string(1000, '\0'));
  check_clean(look(p.raw->database()));
  const auto flipped = [&](size_t at) {
    std::string bytes = segment;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    return bytes;
  };
  write(flipped(segment.size() - 1));  // as a torn end could be
  check_clean(look(p.raw->database()));
  write(flipped(ends[2] - 1));
  p.expect_listed("00000000000000aa.log: a frame is damaged at byte " + std::to_string(ends[1]));
  write(flipped(3));
  p.expect_listed("00000000000000aa.log: its head is damaged");
  std::string other;
  append_segment_head(other, 0xbb, kStartUs);
  write(other);
  p.expect_listed("00000000000000aa.log: its head is that of another segment");
}
