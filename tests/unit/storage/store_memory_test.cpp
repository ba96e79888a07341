// What the model made of older messages: kept, replaced, out of reach with its thread, and gone from the files.
#include "storage/verify.h"
#include "tests/unit/storage/verify_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

PutMemory make_memory(const HistoryPage& page, size_t newest, std::string text, std::vector<uint64_t> replaces = {}) {
  PutMemory command;
  command.user = "u";
  command.thread = "t";
  command.incarnation = page.incarnation;
  command.memory = {.order = page.messages.at(newest).order,
                    .from_order = page.messages.back().order,
                    .messages = static_cast<uint32_t>(page.messages.size() - newest),
                    .created_us = kStartUs,
                    .model = "m",
                    .text = std::move(text)};
  command.replaces = std::move(replaces);
  return command;
}

std::vector<std::string> texts(Fixture& f) {
  std::vector<std::string> found;
  for (const Memory& memory : CHECK_OK(f.store->read_memories("u", "t", Tier::any))) found.push_back(memory.text);
  return found;
}

using Strings = std::vector<std::string>;

TEST_CASE(a_memory_is_read_as_it_was_put_and_gives_way_to_the_next) {
  Fixture f;
  CHECK(texts(f).empty());
  for (int i = 0; i < 3; ++i) f.turn("u", "t", "q", "a");
  const HistoryPage page = f.page("u", "t");
  const uint64_t sequence = f.store->state().last_sequence;
  const PutMemory first = make_memory(page, 3, "first");
  CHECK_OK(f.store->execute(first));
  CHECK((CHECK_OK(f.store->read_memories("u", "t", Tier::any)) == std::vector<Memory>{first.memory}));
  CHECK_OK(f.store->execute(make_memory(page, 1, "second", {first.memory.order})));
  CHECK((texts(f) == Strings{"second"}));
  CHECK_EQ(f.store->state().last_sequence, sequence);
  f.reopen();
  CHECK((texts(f) == Strings{"second"}));
  CHECK_FAILS(f.store->read_memories("u", "t", Tier::memory_only), Code::would_block);
}

TEST_CASE(a_memory_of_what_is_not_there_is_not_kept) {
  Fixture f;
  f.turn("u", "t", "q", "a");
  const HistoryPage page = f.page("u", "t");
  PutMemory command = make_memory(page, 0, "of no message");
  ++command.memory.order;
  CHECK_OK(f.store->execute(command));
  command = make_memory(page, 0, "of another life");
  ++command.incarnation;
  CHECK_OK(f.store->execute(command));
  command = make_memory(page, 0, "of no thread");
  command.thread = "nowhere";
  CHECK_OK(f.store->execute(command));
  CHECK_FAILS(f.store->execute(make_memory(page, 0, std::string(kMemoryBytesMax + 1, 'x'))), Code::too_large);
  CHECK(texts(f).empty());
}

TEST_CASE(a_memory_goes_with_its_thread_from_reach_and_from_the_files) {
  Fixture f;
  const std::string secret = "what was remembered of it";
  f.turn("u", "t", "q", "a");
  const HistoryPage page = f.page("u", "t");
  CHECK_OK(f.store->execute(make_memory(page, 0, secret)));
  CHECK_OK(f.delete_thread("u", "t"));
  CHECK(texts(f).empty());
  f.turn("u", "t", "again", "again");
  CHECK(texts(f).empty());
  CHECK_OK(f.store->execute(make_memory(page, 0, secret)));  // late, of the dead thread
  CHECK(texts(f).empty());
  CHECK_OK(f.store->execute(make_memory(f.page("u", "t"), 0, "of the new one")));
  keep_house_to_the_end(*f.store);
  CHECK((texts(f) == Strings{"of the new one"}));
  CHECK(files_with(f.directory.path() + "/data", secret).empty());
}

TEST_CASE(verify_knows_memories_and_takes_out_what_is_damaged_or_astray) {
  Fixture f;
  for (int i = 0; i < 2; ++i) f.turn("u", "t", "q", "a");
  const HistoryPage page = f.page("u", "t");
  CHECK_OK(f.store->execute(make_memory(page, 0, "sound")));
  {
    RawStore raw(f);
    check_clean(look(raw.database()));
    const auto plant = [&](uint64_t order, const std::string& value) {
      std::string key;
      append_annotation_key(key, "u", "t", order, AnnotationKind::memory);
      raw.put(Family::annotations, key, value);
    };
    std::string astray;
    append_memory_record(astray, make_memory(page, 0, "astray").memory);
    plant(page.messages[0].order + 7, astray);
    plant(page.messages[1].order, "damaged");
    CHECK_EQ(look(raw.database(), true).problem_count, uint64_t{2});
    check_clean(look(raw.database()));
  }
  f.open();
  CHECK((texts(f) == Strings{"sound"}));
}

}  // namespace
