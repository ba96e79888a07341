// Storage keys: what is written is read back; byte order is the order that each key promises; no key of one user or
// thread begins with the prefix of another; bytes that are read as a key are that key's bytes.

#include "storage/keys.h"

#include <string>

#include "storage/key_layout.h"
#include "tests/fuzz/support/fuzz.h"

namespace bobbin::fuzz {
namespace {

using namespace store;  // NOLINT(google-build-using-namespace)

struct Parts {
  std::string user;
  std::string thread;
  uint64_t number;
  Uuid id;
};

std::string id_text(Choices& choices) {
  std::string text(choices.text(128));
  return text.empty() ? "x" : text;
}

Parts choose(Choices& choices) {
  Parts parts{id_text(choices), id_text(choices), choices.number(), {}};
  for (uint8_t& byte : parts.id.bytes) byte = choices.byte();
  return parts;
}

template <class Append>
std::string made(Append append) {
  std::string key = "before";
  append(key);
  FUZZ_CHECK(key.starts_with("before"));
  return key.substr(6);
}

std::string message_key(const Parts& p) {
  return made([&](std::string& out) { append_message_key(out, p.user, p.thread, p.number); });
}
std::string recency_key(const Parts& p) {
  return made([&](std::string& out) { append_recency_key(out, p.user, p.number, p.thread); });
}
std::string queue_key(const Parts& p) {
  return made([&](std::string& out) { append_queue_key(out, p.user, p.thread, p.number); });
}
std::string feed_key(const Parts& p) {
  return made([&](std::string& out) { append_feed_key(out, p.user, p.number); });
}
std::string run_key(const Parts& p) {
  return made([&](std::string& out) { append_run_key(out, p.user, p.thread, p.id); });
}
std::string thread_prefix(const Parts& p) {
  return made([&](std::string& out) { append_thread_prefix(out, p.user, p.thread); });
}
std::string user_prefix(const Parts& p) {
  return made([&](std::string& out) { append_user_prefix(out, p.user); });
}

void check_read_back(const Parts& p) {
  const std::string thread_bytes = thread_prefix(p);
  const auto thread = parse_thread_key(thread_bytes);
  FUZZ_CHECK(thread && thread->user == p.user && thread->thread == p.thread);
  const std::string message_bytes = message_key(p);
  const auto message = parse_message_key(message_bytes);
  FUZZ_CHECK(message && message->user == p.user && message->thread == p.thread && message->order == p.number);
  const std::string recency_bytes = recency_key(p);
  const auto recency = parse_recency_key(recency_bytes);
  FUZZ_CHECK(recency && recency->user == p.user && recency->thread == p.thread && recency->stamp == p.number);
  const std::string queue_bytes = queue_key(p);
  const auto queue = parse_queue_key(queue_bytes);
  FUZZ_CHECK(queue && queue->user == p.user && queue->thread == p.thread && queue->position == p.number);
  const std::string feed_bytes = feed_key(p);
  const auto feed = parse_feed_key(feed_bytes);
  FUZZ_CHECK(feed && feed->user == p.user && feed->sequence == p.number);
  const std::string run_bytes = run_key(p);
  const auto run = parse_run_key(run_bytes);
  FUZZ_CHECK(run && run->user == p.user && run->thread == p.thread && run->run_id == p.id);
  const auto change = parse_change_key(made([&](std::string& out) { append_change_key(out, p.number); }));
  FUZZ_CHECK(change && *change == p.number);
  FUZZ_CHECK(user_prefix_bytes(message_bytes) == user_prefix(p).size());
  FUZZ_CHECK(thread_prefix_bytes(message_bytes) == thread_prefix(p).size());
  FUZZ_CHECK(fits_layout(Family::messages, message_bytes) && fits_layout(Family::recency, recency_bytes));
}

// Without the view's end, "less" of two strings.
int order_of(std::string_view a, std::string_view b) { return a < b ? -1 : a == b ? 0 : 1; }
int order_of(uint64_t a, uint64_t b) { return a < b ? -1 : a == b ? 0 : 1; }

void check_order(Parts a, const Parts& b) {
  for (const auto& key : {message_key, recency_key, queue_key, feed_key, run_key}) {
    FUZZ_CHECK(key(b).starts_with(user_prefix(a)) == (a.user == b.user));
  }
  for (const auto& key : {message_key, queue_key, run_key}) {
    FUZZ_CHECK(key(b).starts_with(thread_prefix(a)) == (a.user == b.user && a.thread == b.thread));
  }
  for (const Parts* p : {static_cast<const Parts*>(&a), &b}) {
    const std::string end = prefix_end(user_prefix(*p));
    FUZZ_CHECK(message_key(*p) < end && user_prefix(*p) < end);
    FUZZ_CHECK((message_key(b) < end) == (order_of(user_prefix(b), end) < 0));
  }
  a.user = b.user;
  FUZZ_CHECK(order_of(recency_key(a), recency_key(b)) * order_of(a.number, b.number) <= 0);
  FUZZ_CHECK(order_of(feed_key(a), feed_key(b)) == order_of(a.number, b.number));
  a.thread = b.thread;
  FUZZ_CHECK(order_of(message_key(a), message_key(b)) == order_of(b.number, a.number));
  FUZZ_CHECK(order_of(recency_key(a), recency_key(b)) == order_of(b.number, a.number));
  FUZZ_CHECK(order_of(queue_key(a), queue_key(b)) == order_of(a.number, b.number));
}

void check_any_bytes(std::string_view bytes) {
  if (const auto key = parse_message_key(bytes)) {
    FUZZ_CHECK(message_key({std::string(key->user), std::string(key->thread), key->order, {}}) == bytes);
  }
  if (const auto key = parse_recency_key(bytes)) {
    FUZZ_CHECK(recency_key({std::string(key->user), std::string(key->thread), key->stamp, {}}) == bytes);
  }
  if (const auto key = parse_queue_key(bytes)) {
    FUZZ_CHECK(queue_key({std::string(key->user), std::string(key->thread), key->position, {}}) == bytes);
  }
  if (const auto key = parse_run_key(bytes)) {
    FUZZ_CHECK(run_key({std::string(key->user), std::string(key->thread), 0, key->run_id}) == bytes);
  }
  if (const auto key = parse_feed_key(bytes)) {
    FUZZ_CHECK(feed_key({std::string(key->user), {}, key->sequence, {}}) == bytes);
  }
  if (const auto key = parse_thread_key(bytes)) touch(key->thread);
  if (const auto key = parse_annotation_key(bytes)) touch(key->thread);
  if (const auto key = parse_erasure_key(bytes)) touch(key->thread);
  if (const auto key = parse_owned_id_key(bytes)) touch(key->user);
  FUZZ_CHECK(user_prefix_bytes(bytes) <= bytes.size() && thread_prefix_bytes(bytes) <= bytes.size());
  for (size_t number = 1; number <= kFamilyCount; ++number) {
    const auto family = static_cast<Family>(number);
    static_cast<void>(fits_layout(family, bytes));
    touch(describe_key(family, bytes));
  }
}

}  // namespace

void run(std::string_view input) {
  check_any_bytes(input);
  Choices choices(input);
  const Parts a = choose(choices);
  const Parts b = choose(choices);
  check_read_back(a);
  check_read_back(b);
  check_order(a, b);
  check_order(b, a);
}

}  // namespace bobbin::fuzz
