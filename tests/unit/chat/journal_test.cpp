#include "src/chat/journal.h"

#include "tests/support/test.h"

namespace bobbin::chat {
namespace {

using store::RunLogKind;

std::string render(const Journal& journal, uint64_t after) {
  std::string out;
  for (Journal::Place place = journal.place_after(after); place.id < journal.last_id();) {
    journal.render_next(place, out);
    out.push_back(';');
  }
  return out;
}

TEST_CASE(events_are_rendered_from_any_place_on) {
  Journal journal;
  CHECK_EQ(render(journal, 0), "");
  journal.append(RunLogKind::event, R"({"type":"start"})");
  journal.append(RunLogKind::reasoning, "why");
  journal.append(RunLogKind::token, "a \"b\"");
  journal.append(RunLogKind::token, "\xc3\xa4");
  CHECK_EQ(journal.last_id(), uint64_t{4});
  CHECK_EQ(render(journal, 0), R"({"type":"start"};{"type":"reasoning","content":"why"};)"
                               R"({"type":"token","content":"a \"b\""};)"
                               "{\"type\":\"token\",\"content\":\"\xc3\xa4\"};");
  CHECK_EQ(render(journal, 2),
           "{\"type\":\"token\",\"content\":\"a \\\"b\\\"\"};"
           "{\"type\":\"token\",\"content\":\"\xc3\xa4\"};");
  CHECK_EQ(render(journal, 4), "");
  CHECK_EQ(journal.text(RunLogKind::token), "a \"b\"\xc3\xa4");
  CHECK_EQ(journal.text(RunLogKind::token, 3), "a \"b\"");
  CHECK_EQ(journal.text(RunLogKind::reasoning), "why");
  CHECK(journal.has(RunLogKind::reasoning));
}

TEST_CASE(what_is_dropped_is_forgotten_and_its_ids_are_given_again) {
  Journal journal;
  journal.append(RunLogKind::token, "kept");
  journal.append(RunLogKind::token, "lost");
  journal.append(RunLogKind::reasoning, "lost too");
  journal.drop_after(1);
  CHECK_EQ(journal.last_id(), uint64_t{1});
  CHECK(!journal.has(RunLogKind::reasoning));
  journal.append(RunLogKind::token, ", and more");
  CHECK_EQ(journal.text(RunLogKind::token), "kept, and more");
  CHECK_EQ(render(journal, 1), R"({"type":"token","content":", and more"};)");
}

TEST_CASE(rounds_are_bounded_and_together_everything) {
  Journal journal;
  for (int i = 0; i < 100; ++i) journal.append(RunLogKind::token, std::to_string(i));
  for (const size_t bytes_max : {1, 100, 1'000'000}) {
    JournalRound round;
    Journal::Place place = journal.place_after(3);
    std::string all;
    uint64_t id = 3;
    while (place.id < 90) {
      size_t bytes = 0;
      for (const Event& event : round.render(journal, place, 90, bytes_max)) {
        CHECK(bytes < bytes_max);  // before its last event
        CHECK_EQ(event.id, ++id);
        bytes += event.json.size();
        all.append(event.json).push_back(';');
      }
      CHECK(bytes > 0);
    }
    CHECK_EQ(id, uint64_t{90});
    const std::string rest = render(journal, 90);
    CHECK_EQ(all + rest, render(journal, 3));
  }
}

}  // namespace
}  // namespace bobbin::chat
