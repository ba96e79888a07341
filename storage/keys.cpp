#include "storage/keys.h"

#include <cstring>

#include "src/base/assert.h"
#include "src/base/bytes.h"
#include "src/base/limits.h"

namespace bobbin::store {
namespace {

constexpr size_t kIdBytesMax = 128;
static_assert(limits::kUserIdBytesMax <= kIdBytesMax && limits::kThreadIdBytesMax <= kIdBytesMax);

void append_str(std::string& out, std::string_view id) {
  BOBBIN_ASSERT(!id.empty() && id.size() <= kIdBytesMax);
  out.push_back(static_cast<char>(id.size()));
  out.append(id);
}

void append_id(std::string& out, const Uuid& id) {
  out.append(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
}

// Takes a str() from the front of `rest`; empty when there is none, which no str() is.
std::string_view take_str(std::string_view& rest) noexcept {
  if (rest.empty()) return {};
  const size_t size = static_cast<uint8_t>(rest[0]);
  if (size == 0 || size > kIdBytesMax || rest.size() < 1 + size) return {};
  const std::string_view id = rest.substr(1, size);
  rest.remove_prefix(1 + size);
  return id;
}

// user, thread and a tail of exactly `tail_bytes`.
struct Split {
  std::string_view user;
  std::string_view thread;
  const char* tail;
};
std::optional<Split> split_thread_key(std::string_view key, size_t tail_bytes) noexcept {
  const std::string_view user = take_str(key);
  const std::string_view thread = take_str(key);
  if (user.empty() || thread.empty() || key.size() != tail_bytes) return std::nullopt;
  return Split{user, thread, key.data()};
}

}  // namespace

void append_user_prefix(std::string& out, std::string_view user) { append_str(out, user); }

void append_thread_prefix(std::string& out, std::string_view user, std::string_view thread) {
  append_str(out, user);
  append_str(out, thread);
}

void append_message_key(std::string& out, std::string_view user, std::string_view thread, uint64_t order) {
  append_thread_prefix(out, user, thread);
  append_be64(out, ~order);
}

void append_annotation_key(std::string& out, std::string_view user, std::string_view thread, uint64_t order,
                           AnnotationKind kind) {
  append_message_key(out, user, thread, order);
  out.push_back(static_cast<char>(kind));
}

void append_recency_key(std::string& out, std::string_view user, uint64_t stamp, std::string_view thread) {
  append_str(out, user);
  append_be64(out, ~stamp);
  append_str(out, thread);
}

void append_run_key(std::string& out, std::string_view user, std::string_view thread, const Uuid& run_id) {
  append_thread_prefix(out, user, thread);
  append_id(out, run_id);
}

void append_queue_key(std::string& out, std::string_view user, std::string_view thread, uint64_t position) {
  append_thread_prefix(out, user, thread);
  append_be64(out, position);
}

void append_setting_key(std::string& out, std::string_view user, std::string_view name) {
  append_str(out, user);
  append_str(out, name);
}

void append_request_key(std::string& out, std::string_view user, std::string_view key) {
  append_str(out, user);
  append_str(out, key);
}

void append_feed_key(std::string& out, std::string_view user, uint64_t sequence) {
  append_str(out, user);
  append_be64(out, sequence);
}

void append_erasure_key(std::string& out, std::string_view user, std::string_view thread, uint64_t sequence) {
  append_thread_prefix(out, user, thread);
  append_be64(out, sequence);
}

void append_login_key(std::string& out, std::string_view account, const Uuid& login) {
  append_str(out, account);
  append_id(out, login);
}

void append_email_key(std::string& out, std::string_view folded_email) {
  out.push_back('\0');
  append_str(out, folded_email);
}

void append_invitation_key(std::string& out, std::string_view hash) { out.append("\xff").append(hash); }

void append_api_key_key(std::string& out, std::string_view user, const Uuid& key) {
  append_str(out, user);
  append_id(out, key);
}

void append_key_reference_key(std::string& out, std::string_view hash) {
  out.push_back('\0');
  out.append(hash);
}

void append_change_key(std::string& out, uint64_t sequence) { append_be64(out, sequence); }

std::string follower_key(std::string_view name) { return std::string("follower/").append(name); }

std::string prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<uint8_t>(end.back()) == 0xff) end.pop_back();
  BOBBIN_ASSERT(!end.empty());
  end.back() = static_cast<char>(static_cast<uint8_t>(end.back()) + 1);
  return end;
}

std::optional<ThreadKey> parse_thread_key(std::string_view key) noexcept {
  const auto split = split_thread_key(key, 0);
  if (!split) return std::nullopt;
  return ThreadKey{split->user, split->thread};
}

std::optional<MessageKey> parse_message_key(std::string_view key) noexcept {
  const auto split = split_thread_key(key, 8);
  if (!split) return std::nullopt;
  return MessageKey{split->user, split->thread, ~load_be64(split->tail)};
}

std::optional<AnnotationKey> parse_annotation_key(std::string_view key) noexcept {
  const auto split = split_thread_key(key, 9);
  if (!split) return std::nullopt;
  return AnnotationKey{split->user, split->thread, ~load_be64(split->tail),
                       static_cast<AnnotationKind>(static_cast<uint8_t>(split->tail[8]))};
}

std::optional<RecencyKey> parse_recency_key(std::string_view key) noexcept {
  const std::string_view user = take_str(key);
  if (user.empty() || key.size() < 8) return std::nullopt;
  const uint64_t stamp = ~load_be64(key.data());
  key.remove_prefix(8);
  const std::string_view thread = take_str(key);
  if (thread.empty() || !key.empty()) return std::nullopt;
  return RecencyKey{user, stamp, thread};
}

std::optional<RunKey> parse_run_key(std::string_view key) noexcept {
  const auto split = split_thread_key(key, 16);
  if (!split) return std::nullopt;
  RunKey parsed{split->user, split->thread, {}};
  std::memcpy(parsed.run_id.bytes.data(), split->tail, 16);
  return parsed;
}

std::optional<QueueKey> parse_queue_key(std::string_view key) noexcept {
  const auto split = split_thread_key(key, 8);
  if (!split) return std::nullopt;
  return QueueKey{split->user, split->thread, load_be64(split->tail)};
}

std::optional<ErasureKey> parse_erasure_key(std::string_view key) noexcept {
  const auto split = split_thread_key(key, 8);
  if (!split) return std::nullopt;
  return ErasureKey{split->user, split->thread, load_be64(split->tail)};
}

std::optional<FeedKey> parse_feed_key(std::string_view key) noexcept {
  const std::string_view user = take_str(key);
  if (user.empty() || key.size() != 8) return std::nullopt;
  return FeedKey{user, load_be64(key.data())};
}

std::optional<OwnedIdKey> parse_owned_id_key(std::string_view key) noexcept {
  const std::string_view user = take_str(key);
  if (user.empty() || key.size() != 16) return std::nullopt;
  OwnedIdKey parsed{user, {}};
  std::memcpy(parsed.id.bytes.data(), key.data(), 16);
  return parsed;
}

std::optional<uint64_t> parse_change_key(std::string_view key) noexcept {
  if (key.size() != 8) return std::nullopt;
  return load_be64(key.data());
}

size_t user_prefix_bytes(std::string_view key) noexcept {
  const size_t whole = key.size();
  return take_str(key).empty() ? 0 : whole - key.size();
}

size_t thread_prefix_bytes(std::string_view key) noexcept {
  const size_t whole = key.size();
  if (take_str(key).empty() || take_str(key).empty()) return 0;
  return whole - key.size();
}

}  // namespace bobbin::store
