// A segment that a crash has torn or a disk has damaged: what is read is a prefix of what was written, never anything
// else. At every byte, with every bit, and at random (BOBBIN_TEST_SEED repeats a run).
#include "storage/run_log_format.h"
#include "tests/unit/proto_http/seed.h"
#include "tests/unit/storage/run_log_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

using Texts = std::vector<std::string>;

// Texts of many sizes, with bytes that look like heads and frames.
Texts make_texts(std::mt19937_64& random, size_t count) {
  Texts texts;
  for (size_t i = 0; i < count; ++i) {
    static constexpr std::string_view kParts[] = {"word ", "é", std::string_view("\0\0\0\0", 4),
                                                  std::string_view("\x1b\0\0\0", 4), "bobrunl\x01"};
    texts.push_back(bobbin::test::random_text(random, kParts, bobbin::test::random_below(random, 9)));
  }
  return texts;
}

struct Written {
  std::string bytes;         // the whole segment
  std::vector<size_t> ends;  // where each frame ends
};

Written write_segment(const Texts& texts) {
  Written out;
  append_segment_head(out.bytes, 1, kStartUs);
  for (size_t i = 0; i < texts.size(); ++i) {
    append_frame(out.bytes, {.kind = RunLogKind::token, .run_id = run_number(1), .event_id = i + 1, .bytes = texts[i]});
    out.ends.push_back(out.bytes.size());
  }
  return out;
}

Texts read_back(std::string_view bytes) {
  Texts texts;
  Frame frame;
  for (FrameReader frames(bytes, FrameReader::From::head); frames.next(frame);) texts.emplace_back(frame.bytes);
  return texts;
}

Texts first(const Texts& texts, size_t count) { return {texts.begin(), texts.begin() + static_cast<ptrdiff_t>(count)}; }

size_t whole_frames(const Written& written, size_t bytes) {
  return static_cast<size_t>(std::upper_bound(written.ends.begin(), written.ends.end(), bytes) - written.ends.begin());
}

}  // namespace

TEST_CASE(every_prefix_of_a_segment_gives_the_frames_that_are_whole_in_it) {
  auto random = bobbin::test::seeded_random("prefixes");
  const Texts texts = make_texts(random, 40);
  const Written written = write_segment(texts);
  for (size_t bytes = 0; bytes <= written.bytes.size(); ++bytes) {
    CHECK(read_back(std::string_view(written.bytes).substr(0, bytes)) == first(texts, whole_frames(written, bytes)));
  }
}

TEST_CASE(a_flipped_bit_ends_the_segment_before_its_frame) {
  auto random = bobbin::test::seeded_random("flipped bits");
  const Texts texts = make_texts(random, 12);
  const Written written = write_segment(texts);
  for (size_t bit = 0; bit < written.bytes.size() * 8; ++bit) {
    std::string damaged = written.bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    const size_t before = bit / 8 < kSegmentHeadBytes ? 0 : whole_frames(written, bit / 8);
    CHECK(read_back(damaged) == first(texts, before));
  }
}

TEST_CASE(random_damage_leaves_a_prefix) {
  auto random = bobbin::test::seeded_random("random damage");
  const auto below = [&](size_t bound) { return bobbin::test::random_below(random, bound); };
  for (int round = 0; round < 3000; ++round) {
    const Texts texts = make_texts(random, 1 + below(20));
    const Written written = write_segment(texts);
    std::string damaged = written.bytes;
    size_t first_damage = damaged.size();
    for (size_t i = 0; i <= below(3); ++i) {
      const size_t at = below(damaged.size());
      const size_t size = std::min(1 + below(600), damaged.size() - at);
      switch (below(5)) {
        case 0: damaged.resize(at); break;                            // torn
        case 1: damaged.replace(at, size, size, '\0'); break;         // never written
        case 2: damaged.erase(at, size); break;                       // lost
        case 3: damaged.insert(at, damaged.substr(at, size)); break;  // twice
        default:
          for (size_t k = 0; k < size; ++k) damaged[at + k] = static_cast<char>(random());
      }
      first_damage = std::min(first_damage, at);
      if (damaged.empty()) break;
    }
    // Damage may leave bytes as they were (zeros over zeros) or put the same frame there again; what is read begins
    // with all frames before it, and each further one is one that was written.
    const Texts got = read_back(damaged);
    const size_t untouched = first_damage < kSegmentHeadBytes ? 0 : whole_frames(written, first_damage);
    if (first_damage >= kSegmentHeadBytes) {
      CHECK(got.size() >= untouched);
      CHECK(first(got, untouched) == first(texts, untouched));
    }
    for (const std::string& text : got) CHECK(std::find(texts.begin(), texts.end(), text) != texts.end());
  }
}

TEST_CASE(a_run_is_read_as_a_prefix_from_a_directory_with_any_damage) {
  auto random = bobbin::test::seeded_random("damaged directory");
  const auto below = [&](size_t bound) { return bobbin::test::random_below(random, bound); };
  for (int round = 0; round < 150; ++round) {
    LogFixture f({.segment_bytes_max = 400});
    std::string whole;
    {
      const auto writer = f.log->make_writer();
      uint64_t id = 0;
      for (const std::string& text : make_texts(random, 60)) {
        say(*writer, run_number(1), ++id, text);
        whole += text;
      }
    }
    f.log.reset();
    for (const std::string& name : f.segments()) {
      if (below(8) != 0) continue;
      std::string bytes = read_file(f.path_of(name));
      if (below(3) == 0) {
        std::filesystem::remove(f.path_of(name));
      } else {
        bytes[below(bytes.size())] = static_cast<char>(random());
        write_file(f.path_of(name), std::string_view(bytes).substr(0, below(bytes.size()) + 1));
      }
    }
    f.open();
    const std::optional<LoggedRun> run = f.run(run_number(1));
    if (run) CHECK(whole.starts_with(run->content));
    CHECK(whole.starts_with(f.text(run_number(1))));
    if (run) CHECK_EQ(f.text(run_number(1)), run->content);
  }
}
