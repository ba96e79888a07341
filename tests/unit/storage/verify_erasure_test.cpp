// Rows of deleted threads: those that wait for the eraser are no problem, those that it would never come for are given
// to it again, and none of a living thread's is taken for one.
#include "tests/unit/storage/verify_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

TEST_CASE(rows_of_a_deleted_thread_that_nothing_erases_are_given_to_the_eraser) {
  Planted p;
  p.bury("bert", "trip", Planted::Then::nothing);
  p.raw->remove(Family::erasures, p.erasure_key);
  p.expect_mended("2 rows of a thread that was deleted");
  CHECK_EQ(p.messages_of("bert", "trip"), 2u);
  p.erase();
  CHECK_EQ(p.messages_of("bert", "trip"), 0u);
}

TEST_CASE(rows_that_an_erasure_has_left_behind_are_given_to_it_again) {
  Planted p;
  p.bury("bert", "trip", Planted::Then::nothing);
  p.erasure.stage = ErasureRecord::Stage::files;
  p.put_erasure();
  p.expect_mended("2 rows of a thread that was deleted");
  p.erase();
  CHECK_EQ(p.messages_of("bert", "trip"), 0u);
}

TEST_CASE(a_damaged_erasure_is_made_again) {
  for (const auto then : {Planted::Then::nothing, Planted::Then::made_again}) {
    Planted p;
    p.bury("anna", "trip", then);
    const bool is_made_again = then == Planted::Then::made_again;
    CHECK_EQ(p.messages_of("anna", "trip"), is_made_again ? 6u : 4u);
    p.raw->damage(Family::erasures, p.erasure_key);
    p.expect_mended("erasures, user \"anna\" thread \"trip\" deletion");
    p.erase();
    CHECK_EQ(p.messages_of("anna", "trip"), is_made_again ? 2u : 0u);
  }
}

TEST_CASE(dead_rows_beside_a_living_thread_are_told_apart) {
  Planted p;
  p.bury("anna", "trip", Planted::Then::made_again);
  const ThreadSummary again = p.raw->summary("anna", "trip");
  CHECK(again.stamp_floor >= p.trip.newest_order);
  CHECK_EQ(again.total_messages, 2u);
  {
    p.raw->remove(Family::erasures, p.erasure_key);
    p.expect_mended("4 rows of a deleted thread, which nothing erases");
    p.raw->remove(Family::erasures, p.raw->keys(Family::erasures).front());
    p.put_erasure();
  }
  {
    p.raw->change_summary("anna", "trip", [](auto& s) { s.stamp_floor = 0; });
    p.expect_mended("messages of a deleted thread would be taken for its own");
    CHECK_EQ(p.raw->summary("anna", "trip").stamp_floor, p.erasure.last_stamp);
  }
  {
    const std::string before = RawStore::recency_key("anna", p.raw->summary("anna", "trip"));
    p.raw->change_summary("anna", "trip", [&](auto& s) { s.recency_stamp = p.erasure.recency_stamp; });
    p.raw->remove(Family::recency, before);
    p.expect_mended("its place in the list was that of a deleted thread");
    CHECK(p.raw->summary("anna", "trip").recency_stamp > p.erasure.recency_stamp);
  }
  p.erase();
  CHECK_EQ(p.messages_of("anna", "trip"), 2u);
  p.raw.reset();
  p.f.open();
  CHECK(p.f.history("anna", "trip") == std::vector<std::string>({"a new beginning", "and a new answer"}));
  CHECK_EQ(p.f.sessions("anna").size(), 3u);
}

TEST_CASE(a_lost_summary_of_a_thread_made_again_does_not_take_the_dead_rows) {
  for (const bool has_copy : {true, false}) {
    Planted p;
    p.bury("anna", "trip", Planted::Then::made_again);
    const ThreadSummary before = p.raw->summary("anna", "trip");
    p.raw->remove(Family::threads, p.key("trip"));
    if (!has_copy) p.raw->remove(Family::recency, RawStore::recency_key("anna", before));
    p.expect_mended(has_copy ? "its copy in recency is whole" : "its messages say what it was");
    const ThreadSummary mended = p.raw->summary("anna", "trip");
    CHECK_EQ(mended.incarnation, before.incarnation);
    CHECK_EQ(mended.total_messages, 2u);
    CHECK_EQ(mended.title, "a new beginning");
    CHECK(mended.stamp_floor >= p.erasure.last_stamp && mended.recency_stamp > p.erasure.recency_stamp);
    p.erase();
    CHECK_EQ(p.messages_of("anna", "trip"), 2u);
  }
}

TEST_CASE(a_summary_that_outlived_its_deletion_goes) {
  Planted p;
  p.bury("anna", "trip", Planted::Then::nothing);
  std::string value;
  append_summary_record(value, p.trip);
  p.raw->put(Family::threads, p.key("trip"), value);
  p.raw->put(Family::recency, RawStore::recency_key("anna", p.trip), value);
  p.expect_mended("threads, user \"anna\" thread \"trip\": it is there, though it was deleted");
  CHECK(!p.raw->get(Family::threads, p.key("trip")));
  CHECK(!p.raw->get(Family::recency, RawStore::recency_key("anna", p.trip)));
  p.erase();
}
