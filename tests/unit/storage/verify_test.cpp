// Damage of every kind is planted into a store that a few small threads were written to, one at a time: verify names
// the row and says what is wrong; repair mends what other rows say and leaves, listed, what nothing says.
#include "storage/verify.h"

#include <fstream>

#include "storage/key_layout.h"
#include "tests/unit/storage/verify_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

TEST_CASE(a_summary_whose_numbers_are_wrong_is_mended) {
  const std::pair<const char*, std::function<void(ThreadSummary&)>> cases[] = {
      {"number of messages: says 9, is 4", [](auto& s) { s.total_messages = 9; }},
      {"messages of the active branch: says 9, is 4", [](auto& s) { s.message_count = 9; }},
      {"newest message: says 5, is ", [](auto& s) { s.newest_order = 5; }},
      {"its active branch ends with a message that does not exist", [](auto& s) { s.active_leaf = 77; }},
      {"its last stamp is older than its newest message", [](auto& s) { s.last_stamp = 1; }},
      {"its title is not that of its first message", [](auto& s) { s.title = "another"; }},
      {"its preview is not that of its last message", [](auto& s) { s.preview = "another"; }},
      {"its active run has no record in state running", [](auto& s) { s.active_run = run_number(99); }},
  };
  for (const auto& [words, change] : cases) {
    Planted p;
    p.raw->change_summary("anna", "trip", change);
    p.expect_mended(std::string("threads, user \"anna\" thread \"trip\": ") + words);
    ThreadSummary mended = p.raw->summary("anna", "trip");
    CHECK_EQ(mended.total_messages, p.trip.total_messages);
    CHECK_EQ(mended.active_leaf, p.trip.active_leaf);
    CHECK_EQ(mended.message_count, p.trip.message_count);
    CHECK_EQ(mended.title, p.trip.title);
    CHECK_EQ(mended.preview, p.trip.preview);
  }
}

TEST_CASE(a_title_of_a_threads_own_is_left_alone) {
  for (const uint32_t flag : {thread_flags::kTitleSet, thread_flags::kTitleMade}) {
    Planted p;
    p.raw->change_summary("anna", "trip", [&](auto& s) {
      s.title = "mine";
      s.flags |= flag;
    });
    check_clean(look(p.raw->database()));
  }
}

TEST_CASE(a_branch_that_is_not_marked_is_mended) {
  Planted p;
  p.raw->change_summary("anna", "tree", [](auto& s) { s.flags &= ~thread_flags::kBranched; });
  p.expect_mended("threads, user \"anna\" thread \"tree\": it has branches, but is not marked so");
}

TEST_CASE(a_mended_store_opens_and_goes_on) {
  Planted p;
  p.raw->change_summary("anna", "trip", [](auto& s) { s.active_leaf = 77; });
  p.raw->remove(Family::recency, RawStore::recency_key("anna", p.raw->summary("anna", "tree")));
  look(p.raw->database(), true);
  p.raw.reset();
  p.f.open();
  CHECK_EQ(p.f.sessions("anna").size(), 3u);
  for (const char* thread : {"trip", "tree"}) {
    for (int i = 0; i < 3; ++i) p.f.turn("anna", thread, "more", "and more");
  }
  CHECK_EQ(p.f.history("anna", "trip").size(), 10u);
  CHECK_EQ(p.f.sessions("anna").size(), 3u);
  CHECK_OK(p.f.delete_thread("anna", "tree"));
  CHECK_EQ(p.f.sessions("anna").size(), 2u);
  p.raw.emplace(p.f);
  check_clean(look(p.raw->database()));
}

TEST_CASE(recency_has_one_row_for_each_thread) {
  {
    Planted p;
    p.raw->remove(Family::recency, RawStore::recency_key("anna", p.trip));
    p.expect_mended("recency, user \"anna\" stamp " + std::to_string(p.trip.recency_stamp) +
                    " thread \"trip\": is missing");
  }
  {
    Planted p;
    ThreadSummary other = p.trip;
    ++other.recency_stamp;
    p.raw->put(Family::recency, RawStore::recency_key("anna", other),
               *p.raw->get(Family::recency, RawStore::recency_key("anna", p.trip)));
    p.expect_mended("thread \"trip\": its thread has another row");
  }
  {
    Planted p;
    ThreadSummary other = p.trip;
    other.thread = "ghost";
    p.raw->put(Family::recency, RawStore::recency_key("anna", other),
               *p.raw->get(Family::recency, RawStore::recency_key("anna", p.trip)));
    p.expect_mended("thread \"ghost\": its thread does not exist");
  }
  {
    Planted p;
    p.raw->damage(Family::recency, RawStore::recency_key("anna", p.trip));
    p.expect_mended("thread \"trip\": differs from its thread's summary");
  }
}

TEST_CASE(a_lost_summary_comes_back_from_its_copy) {
  for (const bool damaged : {false, true}) {
    Planted p;
    if (damaged) {
      p.raw->damage(Family::threads, p.key("trip"));
    } else {
      p.raw->remove(Family::threads, p.key("trip"));
    }
    p.expect_mended(std::string("threads, user \"anna\" thread \"trip\": ") +
                    (damaged ? "record fails its checksum" : "is missing") + "; its copy in recency is whole");
    ThreadSummary mended = p.raw->summary("anna", "trip");
    mended.flags = p.trip.flags;
    CHECK(mended == p.trip);
  }
}

TEST_CASE(a_summary_without_copy_is_made_from_its_messages) {
  for (const char* thread : {"trip", "plan", "tree"}) {
    Planted p;
    const ThreadSummary before = p.raw->summary("anna", thread);
    p.raw->damage(Family::threads, p.key(thread));
    p.raw->remove(Family::recency, RawStore::recency_key("anna", before));
    p.expect_mended("its messages say what it was");
    const ThreadSummary mended = p.raw->summary("anna", thread);
    CHECK_EQ(mended.incarnation, before.incarnation);
    CHECK_EQ(mended.total_messages, before.total_messages);
    CHECK_EQ(mended.active_leaf, before.active_leaf);
    CHECK_EQ(mended.message_count, before.message_count);
    CHECK_EQ(mended.title, before.title);
    CHECK_EQ(mended.preview, before.preview);
    CHECK(mended.last_stamp >= before.newest_order);
    CHECK(mended.active_run == before.active_run);
    CHECK(mended.newest_run == before.newest_run);
  }
}

TEST_CASE(rows_without_thread_and_messages_are_dropped) {
  Planted p;
  QueueRecord entry;
  entry.run_id = run_number(50);
  entry.content = "nobody's";
  std::string value;
  append_queue_record(value, entry);
  std::string key;
  append_queue_key(key, "anna", "ghost", 2);
  p.raw->put(Family::queue, key, value);
  p.expect_mended("queue, user \"anna\" thread \"ghost\" position 2: 1 row of a thread that does not exist");
}

TEST_CASE(a_damaged_message_is_listed_and_stays) {
  Planted p;
  const std::string key = RawStore::message_key("anna", "trip", p.trip.newest_order - 1);
  p.raw->damage(Family::messages, key);
  const std::string damaged = *p.raw->get(Family::messages, key);
  p.expect_listed("messages, user \"anna\" thread \"trip\" order " + std::to_string(p.trip.newest_order - 1) +
                  ": record fails its checksum [0]");
  CHECK_EQ(*p.raw->get(Family::messages, key), damaged);
}

TEST_CASE(a_missing_message_is_listed_by_the_one_that_follows_it) {
  Planted p;
  p.raw->remove(Family::messages, RawStore::message_key("anna", "trip", p.trip.newest_order - 1));
  const std::string words = "messages, user \"anna\" thread \"trip\" order " + std::to_string(p.trip.newest_order) +
                            ": its parent message is missing [0]";
  Planted::check_found(look(p.raw->database()), words);
  look(p.raw->database(), true);  // counts what is left
  const VerifyReport left = look(p.raw->database());
  CHECK_EQ(all_of(left), words + "\n");
  CHECK_EQ(p.raw->summary("anna", "trip").total_messages, 3u);
}

TEST_CASE(links_between_messages_are_followed) {
  const std::pair<const char*, std::function<void(Message&)>> cases[] = {
      {"its depth is not its parent's and one", [](Message& m) { m.depth = 9; }},
      {"its parent is not older than itself", [](Message& m) { m.parent_order = m.order; }},
      {"its parent message is missing", [](Message& m) { m.parent_order = 5; }},
      {"it has no parent, but a depth other than 1", [](Message& m) { m.parent_order = 0; }},
      {"its id is not that of its order", [](Message& m) { m.id = make_uuid_v7(m.order + 1); }},
  };
  for (const auto& [words, change] : cases) {
    Planted p;
    const std::string key = RawStore::message_key("anna", "trip", p.trip.newest_order);
    Message message = CHECK_OK(decode_message(*p.raw->get(Family::messages, key), p.trip.newest_order));
    change(message);
    std::string value;
    append_message_record(value, message);
    p.raw->put(Family::messages, key, value);
    Planted::check_found(look(p.raw->database()),
                         std::string("order ") + std::to_string(p.trip.newest_order) + ": " + words + " [0]");
  }
}

TEST_CASE(the_active_run_has_a_record_and_a_place_in_the_queue) {
  {
    Planted p;
    p.raw->remove(Family::queue, p.queue_key(p.plan.queue_head));
    p.expect_mended("threads, user \"anna\" thread \"plan\": its active run is not in the queue");
    CHECK_EQ(p.raw->keys(Family::queue).size(), 2u);
  }
  {
    Planted p;
    p.raw->remove(Family::runs, RawStore::run_key("anna", "plan", p.plan.active_run));
    p.expect_mended("its active run has no record in state running");
    CHECK_EQ(p.raw->keys(Family::queue).size(), 1u);  // the one that waits
  }
  {
    Planted p;
    p.raw->change_summary("anna", "plan", [](auto& s) { s.active_run = Uuid{}; });
    p.expect_mended("a run is active, but the thread does not know it");
    CHECK(p.raw->summary("anna", "plan").active_run == p.plan.active_run);
  }
  {
    Planted p;
    p.raw->change_summary("anna", "plan", [](auto& s) { s.active_run = Uuid{}; });
    p.raw->remove(Family::queue, p.queue_key(p.plan.queue_head));
    p.expect_mended("run " + p.plan.active_run.to_string() + ": is in state running, but not active");
  }
  {
    Planted p;
    p.raw->remove(Family::messages, RawStore::message_key("anna", "plan", p.plan.newest_order));
    Planted::check_found(look(p.raw->database()),
                         "run " + p.plan.active_run.to_string() + ": its question is missing [0]");
  }
}

TEST_CASE(a_queue_begins_at_its_head) {
  {
    Planted p;
    p.raw->change_summary("anna", "plan", [](auto& s) { s.queue_head += 1; });
    p.expect_mended("beginning of its queue: says");
    CHECK_EQ(p.raw->summary("anna", "plan").queue_head, p.plan.queue_head);
  }
  {
    Planted p;
    const std::string value = *p.raw->get(Family::queue, p.first_waiting());
    p.raw->put(Family::queue, p.queue_key(p.plan.queue_head - 1), value);
    const VerifyReport report = look(p.raw->database());
    Planted::check_found(report, "beginning of its queue: says");
  }
  {
    Planted p;
    p.raw->damage(Family::queue, p.first_waiting());
    p.expect_listed("thread \"plan\" position");
  }
}

TEST_CASE(every_row_of_every_family_is_looked_at) {
  for (size_t i = 0; i < kFamilyCount; ++i) {
    const auto family = static_cast<Family>(i + 1);
    Planted p;
    p.raw->put(family, "\xff nonsense", "x");
    const VerifyReport report = look(p.raw->database());
    Planted::check_found(report, std::string(kFamilyNames[i]) + ", bytes ff206e6f6e73656e7365: key does not fit");
  }
  Planted p;
  std::string key;
  append_user_prefix(key, "anna");
  key.append("\x05theme");
  p.raw->put(Family::settings, key, "x");
  Planted::check_found(look(p.raw->database()), "settings, user \"anna\" name \"theme\": record is too short [0]");
}

TEST_CASE(a_damaged_file_of_rocksdb_is_named_and_nothing_is_repaired_from_what_is_left) {
  for (const Family family : {Family::messages, Family::threads, Family::recency, Family::changes, Family::feed}) {
    Planted p;
    p.raw->change_summary("anna", "trip", [](auto& s) { s.message_count = 9; });
    CHECK(look(p.raw->database()).problem_count > 0);
    p.raw.reset();
    p.raw.emplace(p.f);  // opening brings everything into files
    p.raw.reset();
    const std::string data = p.f.directory.path() + "/data";
    std::vector<rocksdb::LiveFileMetaData> files;
    {
      const auto database = CHECK_OK(Database::open_existing(data, Database::Access::read, {8 << 20, nullptr}));
      CHECK(look(*database).files >= 5);
      database->db().GetLiveFilesMetaData(&files);
    }
    std::string name;
    for (const auto& meta : files) {
      if (meta.column_family_name != family_name(family)) continue;
      name = meta.name;
      std::fstream file(data + "/db" + name, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(20);
      file.write("damage", 6);
    }
    VerifyOptions options;
    options.repair = true;
    const VerifyOutcome outcome = CHECK_OK(verify_directory(data, options, no_watch));
    const std::string all = all_of(outcome.left);
    CHECK(all.find("files, ") != std::string::npos && all.find(name) != std::string::npos);
    CHECK(all.find(std::string(family_name(family)) + ", the first row: cannot be read: ") != std::string::npos);
    CHECK(all.find("does not reach") == std::string::npos && all.find("is missing") == std::string::npos);
    CHECK_EQ(outcome.found.repaired_count, 0u);
  }
}

TEST_CASE(only_so_many_problems_are_kept_and_all_are_counted) {
  Planted p;
  for (int i = 0; i < 50; ++i) p.raw->put(Family::settings, "\xff" + std::to_string(i), "x");
  VerifyOptions options;
  options.problems_max = 10;
  const VerifyReport report = CHECK_OK(verify(p.raw->database(), options, no_watch));
  CHECK_EQ(report.problems.size(), 10u);
  CHECK_EQ(report.problem_count, 50u);
}

TEST_CASE(a_look_changes_no_byte_and_needs_the_directory_for_itself) {
  Planted p;
  p.raw.reset();
  const std::string data = p.f.directory.path() + "/data";
  const auto listing = [&] {
    std::string text;
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(data)) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
      text += path.string() + " " + std::to_string(std::filesystem::last_write_time(path).time_since_epoch().count()) +
              "\n";
    }
    return text;
  };
  const std::string before = listing();
  const VerifyOutcome outcome = CHECK_OK(verify_directory(data, {}, no_watch));
  check_clean(outcome.left);
  CHECK_EQ(outcome.left.threads, 4u);
  CHECK_EQ(outcome.left.users, 2u);
  CHECK_EQ(listing(), before);
  p.f.open();
  CHECK_FAILS(verify_directory(data, {}, no_watch), Code::busy);
  CHECK_FAILS(verify_directory(p.f.directory.path(), {}, no_watch), Code::not_found);
  CHECK_FAILS(verify_directory("/no/such/directory", {}, no_watch), Code::not_found);
}

TEST_CASE(a_cancelled_look_ends) {
  struct Impatient final : Watch {
    bool is_cancelled() noexcept override { return true; }
  } impatient;
  Planted p;
  CHECK(p.raw->database().db().Flush({}, p.raw->database().family(Family::messages)).ok());
  CHECK_FAILS(verify(p.raw->database(), {}, impatient), Code::cancelled);
}

TEST_CASE(keys_are_told_in_words) {
  std::string key;
  append_message_key(key, "anna", "a \"b\"\n", 42);
  CHECK_EQ(describe_key(Family::messages, key), "user \"anna\" thread \"a \\\"b\\\"\\n\" order 42");
  CHECK(fits_layout(Family::messages, key));
  CHECK(!fits_layout(Family::threads, key));
  CHECK_EQ(describe_key(Family::threads, key.substr(0, 3)), "bytes 04616e");
  CHECK_EQ(describe_key(Family::accounts, std::string("\0\x03x@y", 5)), "e-mail \"x@y\"");
  CHECK_EQ(describe_key(Family::accounts, "\x02id"), "account \"id\"");
  CHECK_EQ(describe_key(Family::meta, "format"), "name format");
}
