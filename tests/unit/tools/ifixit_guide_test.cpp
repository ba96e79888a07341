#include "src/tools/ifixit_guide.h"

#include "src/base/text.h"
#include "src/tools/answer_cache.h"
#include "tests/support/test.h"

// How guides of any size are shown: cautions are never cut; and what the cache keeps.
namespace bobbin::tools {
namespace {

using Kind = GuideLine::Kind;

Guide guide_of(size_t steps, size_t lines, size_t line_bytes) {
  Guide guide{.guideid = 1, .title = "Title"};
  for (size_t s = 0; s < steps; ++s) {
    GuideStep step;
    for (size_t l = 0; l < lines; ++l) step.lines.push_back({.text = std::string(line_bytes, 'x')});
    guide.steps.push_back(std::move(step));
  }
  return guide;
}

TEST_CASE(long_guide_is_shown_in_pages_that_meet) {
  const Guide guide = guide_of(40, 5, 200);
  int64_t next = 1;
  int pages = 0;
  while (next <= 40) {
    const auto shown = show_guide(guide, {.from_step = next}, "");
    CHECK(shown.has_value());
    CHECK(shown->text.size() <= kGuideTextBytes + 300);
    CHECK_EQ(shown->first_step, next);
    CHECK(shown->last_step >= next);
    next = shown->last_step + 1;
    CHECK_EQ(shown->text.find("from_step " + std::to_string(next)) != std::string::npos, next <= 40);
    ++pages;
  }
  CHECK(pages > 5);
}

TEST_CASE(plain_lines_are_shortened_and_cautions_are_not) {
  Guide guide = guide_of(1, 1, 5000);
  const std::string caution(5000, '!');
  guide.steps[0].lines.push_back({.text = caution, .kind = Kind::caution});
  const auto shown = show_guide(guide, {}, "");
  CHECK(shown->text.find(std::string(801, 'x')) == std::string::npos);
  CHECK(shown->text.find("[shortened]") != std::string::npos);
  CHECK(shown->text.find(caution) != std::string::npos);
}

TEST_CASE(many_cautions_stand_with_their_steps) {
  Guide guide = guide_of(30, 1, 10);
  for (size_t i = 0; i < guide.steps.size(); ++i)
    guide.steps[i].lines.push_back(
        {.text = "caution-" + std::to_string(i) + "-" + std::string(400, '!'), .kind = Kind::caution});
  std::string all;
  for (int64_t next = 1; next <= 30;) {
    const auto shown = show_guide(guide, {.from_step = next}, "");
    CHECK(shown->text.find("many cautions") != std::string::npos);
    all += shown->text;
    next = shown->last_step + 1;
  }
  for (size_t i = 0; i < guide.steps.size(); ++i)
    CHECK(all.find("caution-" + std::to_string(i) + "-!") != std::string::npos);
}

TEST_CASE(guide_whose_cautions_do_not_fit_is_not_shown_at_all) {
  Guide guide = guide_of(1, 0, 0);
  for (int i = 0; i < 100; ++i) guide.steps[0].lines.push_back({.text = std::string(1000, '!'), .kind = Kind::caution});
  CHECK(!show_guide(guide, {}, ""));
}

TEST_CASE(note_stands_at_the_top) {
  CHECK(show_guide(guide_of(1, 1, 1), {}, "[old]")->text.starts_with("[old]\niFixit guide 1: Title\n"));
  CHECK(show_guide(guide_of(0, 0, 0), {}, "")->text.find("steps: 0") != std::string::npos);
}

TEST_CASE(cache_keeps_the_most_recently_used_within_its_bytes) {
  AnswerCache cache(10'000);
  for (int i = 0; i < 10; ++i) {
    cache.put({.key = "k" + std::to_string(i), .body = std::string(2'000, 'b')});
    CHECK(cache.find("k0") != nullptr);  // used again each time
    CHECK(cache.bytes() <= 10'000);
  }
  CHECK(cache.find("k9") != nullptr && cache.find("k1") == nullptr);
  cache.put({.key = "k9", .body = "new"});
  CHECK_EQ(cache.find("k9")->body, "new");
  cache.put({.key = "k9", .body = std::string(20'000, 'b')});
  CHECK(cache.find("k9") == nullptr);
  CHECK(cache.find("k0") != nullptr);
}

}  // namespace
}  // namespace bobbin::tools
