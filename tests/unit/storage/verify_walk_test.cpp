// What the store itself writes is clean: whatever it is told, in every stage of its erasures, while it serves and
// after.
#include <cstdlib>
#include <random>

#include "tests/unit/storage/verify_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

// Everything that a store can be told, by chance; and what has been seen of its erasures in every stage.
class Walk {
 public:
  explicit Walk(uint32_t seed) : random_(seed) {
    f_.options.keep_s = 3600;
    f_.options.changes_kept_max = 300;
    f_.reopen();
  }

  void go(int steps) {
    active_.clear();
    for (int i = 0; i < steps; ++i) step(i);
  }
  // A run that does not end keeps its segment, and so every erasure of this round in its second stage.
  void hold_the_run_log() {
    writer_ = f_.store->run_log().make_writer();
    writer_->append(run_number(4'000'000'000), 1, RunLogKind::token, "somebody else's words");
    CHECK_OK(writer_->flush());
  }
  bool keep_house() { return CHECK_OK(f_.store->keep_house()); }
  void erase_all() { keep_house_to_the_end(*f_.store); }
  // Clean, also with a repair, which changes nothing.
  void look_at_all() {
    writer_.reset();
    RawStore raw(f_);
    check_clean(look(raw.database()));
    check_clean(look(raw.database(), true));
    for (const std::string& key : raw.keys(Family::erasures)) {
      const ErasureRecord erasure = CHECK_OK(decode_erasure(*raw.get(Family::erasures, key)));
      if (erasure.stage == ErasureRecord::Stage::files) ++seen_files;
    }
    trimmed |= raw.get(Family::meta, std::string(kFirstChangeKey)).has_value();
    left = raw.keys(Family::erasures).size();
  }
  void open() { f_.open(); }  // which ends what was active

  uint64_t seen_files = 0;
  uint64_t expired = 0;
  size_t left = 0;
  bool trimmed = false;

 private:
  size_t below(size_t bound) { return random_() % bound; }
  void submit(const std::string& user, const std::string& thread, int step) {
    Submit submit;
    submit.user = user;
    submit.thread = thread;
    submit.content = below(10) == 0 ? "  " : "message " + std::to_string(step);
    if (below(5) == 0) submit.keep_s = 1;
    const auto& known = ids_[{user, thread}];
    if (below(4) == 0 && !known.empty()) submit.parent = known[below(known.size())];
    if (below(12) == 0) submit.parent = Uuid{};
    const auto submitted = f_.submit(std::move(submit));
    if (submitted && submitted->run) active_.push_back(*submitted->run);
  }
  void finish() {
    const size_t at = below(active_.size());
    const StartedRun run = active_[at];
    active_.erase(active_.begin() + static_cast<long>(at));
    const Finished finished = below(5) == 0 ? f_.end_without_answer(run, RunOutcome::error, below(4) != 0)
                                            : f_.finish(run, below(8) == 0 ? "" : "answer", below(4) != 0);
    if (finished.applied) ids_[{run.user, run.thread}].push_back(run.user_message_id);
    if (finished.next) active_.push_back(*finished.next);
  }
  void step(int step) {
    const std::string user(1, static_cast<char>('a' + below(3)));
    const std::string thread = "t" + std::to_string(below(6));
    const size_t kind = below(1000);
    advance_us(static_cast<int64_t>(below(50)));
    if (kind < 475) {
      submit(user, thread, step);
    } else if (kind < 480) {
      CHECK_OK(f_.store->execute(ChangeSetting{user, "keep_days", below(2) == 0 ? "" : "1"}));
    } else if (kind < 920) {
      if (!active_.empty()) finish();
    } else if (kind < 940) {
      CHECK_OK(f_.store->execute(StartNext{user, thread}));
    } else if (kind < 950) {  // of a thread that may not be there
      static_cast<void>(f_.store->execute(SetTitle{.user = user,
                                                   .thread = thread,
                                                   .incarnation = 0,
                                                   .title = "title " + std::to_string(step),
                                                   .by = below(2) == 0 ? TitleBy::model : TitleBy::user}));
    } else if (kind < 970) {
      static_cast<void>(f_.delete_thread(user, thread));  // of a thread that may not be there
    } else if (kind < 980) {
      CHECK_OK(f_.store->execute(DeleteUserThreads{user}));
    } else if (kind < 986) {
      const uint64_t last = f_.store->state().last_sequence;
      CHECK_OK(f_.store->execute(MoveFollower{"search", last - below(std::min<uint64_t>(last, 50) + 1)}));
    } else if (kind < 992) {
      check_clean(CHECK_OK(f_.store->verify({}, no_watch)));  // beside the eraser
    } else if (kind < 996) {
      advance_us(2'000'000);  // the short-lived ones have had their time
      const uint64_t before = f_.store->state().last_sequence;
      keep_house();
      expired += f_.store->state().last_sequence - before;
    } else {
      keep_house();
    }
  }

  std::mt19937 random_;
  Fixture f_;
  std::unique_ptr<RunLogWriter> writer_;
  std::map<std::pair<std::string, std::string>, std::vector<Uuid>> ids_;  // also of messages that are gone
  std::vector<StartedRun> active_;
};

}  // namespace

TEST_CASE(what_the_store_writes_is_clean_whatever_it_is_told) {
  const char* given = std::getenv("BOBBIN_TEST_SEED");  // NOLINT(concurrency-mt-unsafe): before any thread
  const auto seed = given != nullptr ? static_cast<uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  std::printf("seed %u\n", seed);
  Walk walk(seed);
  for (int round = 0; round < 4; ++round) {
    if (round % 2 == 1) walk.hold_the_run_log();
    walk.go(600);
    if (round % 2 == 1) walk.keep_house();
    walk.look_at_all();
    walk.open();
  }
  CHECK(walk.seen_files > 0);
  CHECK(walk.expired > 0);
  CHECK(walk.trimmed);
  walk.erase_all();
  walk.look_at_all();
  CHECK_EQ(walk.left, 0u);
}
