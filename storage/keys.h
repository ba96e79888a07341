#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/uuid.h"

// Keys, byte for byte. Source: storage/FORMAT.md, "Keys"; the tests compare with bytes written by hand.
//
// `str(x)` is u8 size | x. All parts of a key are of fixed width or say their size first, so no id can forge a border
// and no key of one user or thread begins with that of another. `~` is all bits inverted, so that byte order is newest
// first. Everywhere: requires 1 <= user.size(), thread.size() <= 128; the store has refused others before.
namespace bobbin::store {

// str(user): what every key of the user begins with. 2..129 bytes.
void append_user_prefix(std::string& out, std::string_view user);

// str(user) | str(thread): the key in `threads`, and what every key of the thread begins with in messages, runs, queue,
// annotations. 4..258 bytes.
void append_thread_prefix(std::string& out, std::string_view user, std::string_view thread);

// str(user) | str(thread) | be64 ~order. 266 bytes at most. Within a thread, byte order is newest first.
void append_message_key(std::string& out, std::string_view user, std::string_view thread, uint64_t order);

// The same and u8 kind: what belongs to a message, but is not part of it. Frozen: FORMAT.md, "Keys".
enum class AnnotationKind : uint8_t { reaction = 1, memory = 2 };
void append_annotation_key(std::string& out, std::string_view user, std::string_view thread, uint64_t order,
                           AnnotationKind kind);

// str(user) | be64 ~stamp | str(thread). 266 bytes at most. Within a user, byte order is newest first.
void append_recency_key(std::string& out, std::string_view user, uint64_t stamp, std::string_view thread);

// str(user) | str(thread) | run[16]. 274 bytes at most.
void append_run_key(std::string& out, std::string_view user, std::string_view thread, const Uuid& run_id);

// str(user) | str(thread) | be64 position. 266 bytes at most. Within a thread, byte order is the order of turns.
void append_queue_key(std::string& out, std::string_view user, std::string_view thread, uint64_t position);

// str(user) | str(name). 258 bytes at most.
void append_setting_key(std::string& out, std::string_view user, std::string_view name);

// str(user) | str(key). 258 bytes at most.
void append_request_key(std::string& out, std::string_view user, std::string_view key);

// str(user) | be64 sequence. 137 bytes at most. Within a user, byte order is the order of changes.
void append_feed_key(std::string& out, std::string_view user, uint64_t sequence);

// str(user) | str(thread) | be64 sequence of the deletion. 266 bytes at most.
void append_erasure_key(std::string& out, std::string_view user, std::string_view thread, uint64_t sequence);

// Family `accounts`. str(account); str(account) | login[16]; 0x00 | str(e-mail); 0xff | SHA-256[32].
void append_login_key(std::string& out, std::string_view account, const Uuid& login);
void append_email_key(std::string& out, std::string_view folded_email);
void append_invitation_key(std::string& out, std::string_view hash);
// Family `keys`. str(user) | key[16]; 0x00 | SHA-256[32].
void append_api_key_key(std::string& out, std::string_view user, const Uuid& key);
void append_key_reference_key(std::string& out, std::string_view hash);

// be64 sequence. 8 bytes.
void append_change_key(std::string& out, uint64_t sequence);

// Keys of `meta`: FORMAT.md, "Meta".
inline constexpr std::string_view kFormatKey = "format";
inline constexpr std::string_view kFirstChangeKey = "changes/first";
std::string follower_key(std::string_view name);

// The first key after all that begin with `prefix`. Requires a byte other than 0xff in it: a str() has one.
std::string prefix_end(std::string_view prefix);

// The views point into the key that was parsed. nullopt: these are not the bytes of such a key.
struct ThreadKey {
  std::string_view user;
  std::string_view thread;
};
struct MessageKey {
  std::string_view user;
  std::string_view thread;
  uint64_t order;
};
struct AnnotationKey {
  std::string_view user;
  std::string_view thread;
  uint64_t order;
  AnnotationKind kind;  // also one that this program does not know
};
struct RecencyKey {
  std::string_view user;
  uint64_t stamp;
  std::string_view thread;
};
struct RunKey {
  std::string_view user;
  std::string_view thread;
  Uuid run_id;
};
struct QueueKey {
  std::string_view user;
  std::string_view thread;
  uint64_t position;
};
struct ErasureKey {
  std::string_view user;
  std::string_view thread;
  uint64_t sequence;
};
struct FeedKey {
  std::string_view user;
  uint64_t sequence;
};
// str(user) | id: a login of an account, or an API key.
struct OwnedIdKey {
  std::string_view user;
  Uuid id;
};
std::optional<ThreadKey> parse_thread_key(std::string_view key) noexcept;
std::optional<MessageKey> parse_message_key(std::string_view key) noexcept;
std::optional<AnnotationKey> parse_annotation_key(std::string_view key) noexcept;
std::optional<RecencyKey> parse_recency_key(std::string_view key) noexcept;
std::optional<RunKey> parse_run_key(std::string_view key) noexcept;
std::optional<QueueKey> parse_queue_key(std::string_view key) noexcept;
std::optional<ErasureKey> parse_erasure_key(std::string_view key) noexcept;
std::optional<FeedKey> parse_feed_key(std::string_view key) noexcept;
std::optional<OwnedIdKey> parse_owned_id_key(std::string_view key) noexcept;
std::optional<uint64_t> parse_change_key(std::string_view key) noexcept;

// How many bytes at the start of `key` are str(user), or str(user) | str(thread); 0 when they are not there.
size_t user_prefix_bytes(std::string_view key) noexcept;
size_t thread_prefix_bytes(std::string_view key) noexcept;

}  // namespace bobbin::store
