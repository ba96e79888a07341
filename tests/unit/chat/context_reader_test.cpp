// What there is to be shown of a thread, on a real store: branches, memories, and threads that are too long.
#include "src/chat/context_reader.h"

#include "tests/unit/storage/store_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

constexpr uint64_t kAll = 1'000'000;

chat::Context read(Fixture& f, uint64_t tokens_max = kAll) {
  return CHECK_OK(chat::read_context(*f.store, "u", "t", tokens_max, Tier::any));
}

std::string contents(const chat::Context& context) {
  std::string all;
  for (const MessageView& message : context.page.messages) all.append(message.content).append(" ");
  return all;
}

// Notes all up to the message of `order`.
void remember(Fixture& f, uint64_t order, const std::string& text) {
  PutMemory command;
  command.user = "u";
  command.thread = "t";
  command.incarnation = f.page("u", "t").incarnation;
  command.memory = {.order = order, .from_order = 1, .messages = 1, .created_us = 1, .model = {}, .text = text};
  CHECK_OK(f.store->execute(command));
}

void answer_to(Fixture& f, const Uuid& parent, const std::string& question) {
  Submit other;
  other.user = "u";
  other.thread = "t";
  other.content = question;
  other.parent = parent;
  f.finish(*CHECK_OK(f.submit(std::move(other))).run, "answer to " + question);
}

TEST_CASE(messages_up_to_the_memory_are_not_read_again) {
  Fixture f;
  for (int i = 1; i <= 3; ++i) f.turn("u", "t", "q" + std::to_string(i), "a" + std::to_string(i));
  const HistoryPage page = f.page("u", "t");
  CHECK_EQ(contents(read(f)), "a3 q3 a2 q2 a1 q1 ");
  CHECK(!read(f).memory);
  remember(f, page.messages[2].order, "notes");
  CHECK_EQ(contents(read(f)), "a3 q3 ");
  CHECK_EQ(read(f).memory.value().text, "notes");
  CHECK((read(f).memories == std::vector<uint64_t>{page.messages[2].order}));
}

TEST_CASE(a_branch_without_the_message_of_a_memory_does_not_have_it) {
  Fixture f;
  for (int i = 1; i <= 3; ++i) f.turn("u", "t", "q" + std::to_string(i), "a" + std::to_string(i));
  const HistoryPage page = f.page("u", "t");
  remember(f, page.messages[2].order, "notes of a2");
  answer_to(f, page.messages[4].id, "other");  // beside q2
  const chat::Context context = read(f);
  CHECK_EQ(contents(context), "answer to other other a1 q1 ");
  CHECK(!context.memory);
  CHECK_EQ(context.memories.size(), size_t{1});  // the next one takes its place
  answer_to(f, page.messages[0].id, "back");
  CHECK_EQ(contents(read(f)), "answer to back back a3 q3 ");
  CHECK_EQ(read(f).memory.value().text, "notes of a2");
}

TEST_CASE(the_newest_message_is_shown_also_where_a_memory_ends_with_it) {
  Fixture f;
  f.turn("u", "t", "q1", "a1");
  remember(f, f.page("u", "t").messages[0].order, "notes");
  CHECK_EQ(contents(read(f)), "a1 q1 ");
  CHECK(!read(f).memory);
}

TEST_CASE(reading_ends_soon_after_enough) {
  Fixture f;
  for (int i = 0; i < 700; ++i) f.turn("u", "t", std::string(1000, 'q'), std::string(1000, 'a'));
  const size_t messages = read(f, 1000).page.messages.size();
  CHECK(messages >= 3 && messages < 300);       // a page more than enough at most
  CHECK(read(f).page.messages.size() <= 1300);  // not all, whatever is asked for
  const chat::Context nothing = CHECK_OK(chat::read_context(*f.store, "u", "nowhere", kAll, Tier::any));
  CHECK(!nothing.page.found && nothing.page.messages.empty());
}

}  // namespace
