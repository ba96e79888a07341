// Stores of every released format, kept in formats/ as they were left by a process that died, are opened, whole, clean
// and go on.
#include <cstdlib>

#include "tests/unit/storage/verify_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

// The store of format `number`, unpacked and opened now.
class Kept {
 public:
  explicit Kept(int number) : f(Fixture::Opened::later) {
    const std::string archive =
        std::string(BOBBIN_ROOT) + "/tests/unit/storage/formats/format-" + std::to_string(number) + ".tar.gz";
    CHECK_EQ(std::system(("tar --extract --gzip --file '" + archive + "' -C '" + f.directory.path() + "'").c_str()), 0);
    fake_wall_us += 3'600'000'000;
    f.open();
  }
  Fixture f;
};

void check_long_thread(Fixture& f) {
  std::vector<std::string> expected;
  for (int i = 1; i <= 30; ++i) {
    expected.push_back("question " + std::to_string(i));
    expected.push_back("answer " + std::to_string(i));
  }
  CHECK(f.history("ana", "long") == expected);
  CHECK(f.history("ana", "long", 7) == expected);
}

void check_branches(Fixture& f) {
  CHECK((f.history("ana", "branched") == std::vector<std::string>{"root", "again", "right"}));
  CHECK_EQ(CHECK_OK(f.store->find_thread("ana", "branched", Tier::any))->total_messages, 4u);
}

void check_every_field(Fixture& f) {
  const HistoryPage page = f.page("ana", "temporary");
  CHECK_EQ(page.messages.size(), size_t{2});
  const MessageView& answer = page.messages[0];
  CHECK_EQ(answer.content, "half an ");
  CHECK_EQ(answer.reasoning, "because");
  CHECK_EQ(answer.model, "a model");
  CHECK_EQ(answer.finish_reason, "length");
  CHECK_EQ(answer.tool_steps, R"([{"tool":"search"}])");
  CHECK((answer.usage == Usage{1, 2, 3, 4}));
  CHECK(answer.status == MessageStatus::failed && answer.role == Role::assistant);
  CHECK_EQ(page.messages[1].created_us, kStartUs + 30'000'000);
  const auto summary = CHECK_OK(f.store->find_thread("ana", "temporary", Tier::any));
  CHECK_EQ(summary->keep_s, 315'360'000u);
  CHECK_EQ(summary->title, "for ten years");
  const auto run = CHECK_OK(f.store->find_run("ana", "temporary", summary->newest_run, Tier::any));
  CHECK(run->state == RunState::error && run->options == "options" && run->terminal_event_id == 9);
  CHECK_EQ(CHECK_OK(f.store->read_setting("ana", "keep_days", Tier::any)).value_or("none"), "30000");
  CHECK_EQ(CHECK_OK(f.store->follower_position("search")).value_or(0), 5u);
}

// What the process that died was in the middle of.
void check_recovery(Fixture& f) {
  CHECK((f.history("ben", "busy") == std::vector<std::string>{"who speaks?", "I speak"}));
  const HistoryPage page = f.page("ben", "busy");
  const MessageView& answer = page.messages[0];
  CHECK(answer.status == MessageStatus::interrupted && answer.reasoning == "hm" && answer.model == "a model");
  CHECK_EQ(CHECK_OK(f.store->read_queue("ben", "busy", Tier::any)).size(), size_t{1});
  CHECK((f.history("ben", "gone") == std::vector<std::string>{"the second life", "of a thread"}));
}

void check_changes(Fixture& f) {
  const FeedPage feed = CHECK_OK(f.store->read_feed("ben", 0, 100));
  CHECK(!feed.lost && feed.events.size() == 8);
  CHECK(feed.events[2].operation == ChangeOperation::thread_deleted);
  CHECK(feed.events.back().operation == ChangeOperation::run_finished);  // by the recovery
  const ChangesPage changes = CHECK_OK(f.store->read_changes(0, 1000, 10'000'000));
  CHECK(!changes.lost && changes.changes.size() == changes.last_sequence);
}

}  // namespace

TEST_CASE(a_store_of_format_2_is_whole_and_goes_on) {
  Kept kept(2);
  Fixture& f = kept.f;
  check_long_thread(f);
  check_branches(f);
  check_every_field(f);
  check_recovery(f);
  check_changes(f);
  CHECK((f.sessions("ana") == std::vector<std::string>{"temporary", "branched", "long"}));

  const StartedNext next = std::get<StartedNext>(CHECK_OK(f.store->execute(StartNext{"ben", "busy"})));
  f.finish(*next.run, "I did");
  f.runs_made = 1000;
  f.turn("ana", "long", "question 31", "answer 31");
  CHECK((f.sessions("ana") == std::vector<std::string>{"long", "temporary", "branched"}));
  keep_house_to_the_end(*f.store);
  CHECK_EQ(files_with(f.directory.path() + "/data", "a secret answer").size(), size_t{0});

  RawStore raw(f);
  check_clean(look(raw.database()));
}
