#include "storage/cursor.h"

#include <array>

#include "src/base/bytes.h"
#include "storage/codec.h"
#include "storage/keys.h"

namespace bobbin::store {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kHistory = 1;
constexpr uint8_t kSessions = 2;
constexpr size_t kHeadBytes = 2;
constexpr size_t kChecksumBytes = 4;
// The longest sessions cursor: head, stamp, str(thread), checksum.
constexpr size_t kCursorBytesMax = kHeadBytes + 8 + 129 + kChecksumBytes;
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<int8_t, 256> make_values() {
  std::array<int8_t, 256> values{};
  for (int8_t& value : values) value = -1;
  for (size_t i = 0; i < kAlphabet.size(); ++i) values[static_cast<uint8_t>(kAlphabet[i])] = static_cast<int8_t>(i);
  return values;
}
constexpr std::array<int8_t, 256> kValues = make_values();

std::string to_base64url(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  uint32_t bits = 0;
  int bit_count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<uint8_t>(c);
    bit_count += 8;
    while (bit_count >= 6) {
      bit_count -= 6;
      text.push_back(kAlphabet[bits >> bit_count & 63]);
    }
  }
  if (bit_count > 0) text.push_back(kAlphabet[bits << (6 - bit_count) & 63]);
  return text;
}

// False for other characters, a length that no bytes have, or bits left over that are not zero: one text per cursor.
bool from_base64url(std::string_view text, std::string& bytes) {
  uint32_t bits = 0;
  int bit_count = 0;
  for (const char c : text) {
    const int8_t value = kValues[static_cast<uint8_t>(c)];
    if (value < 0) return false;
    bits = bits << 6 | static_cast<uint32_t>(value);
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      bytes.push_back(static_cast<char>(bits >> bit_count & 255));
    }
  }
  return bit_count < 6 && (bits & ((1u << bit_count) - 1)) == 0;
}

// `scope` is str(user), and str(thread) for a history: it is checked but not sent.
std::string seal(std::string bytes, std::string_view scope) {
  std::string sealed = bytes;
  sealed.append(scope);
  append_be32(bytes, checksum32(sealed));
  return to_base64url(bytes);
}

tl::unexpected<Error> not_a_cursor() { return fail(Code::malformed, 0, "not a cursor of this list"); }

// The fields between head and checksum.
Result<std::string> unseal(std::string_view text, uint8_t kind, std::string_view scope) {
  if (text.size() > (kCursorBytesMax * 4 + 2) / 3) return not_a_cursor();
  std::string bytes;
  if (!from_base64url(text, bytes) || bytes.size() < kHeadBytes + kChecksumBytes) return not_a_cursor();
  const size_t checked = bytes.size() - kChecksumBytes;
  const uint32_t checksum = load_be32(bytes.data() + checked);
  bytes.resize(checked);
  std::string sealed = bytes;
  sealed.append(scope);
  if (checksum32(sealed) != checksum) return not_a_cursor();
  if (static_cast<uint8_t>(bytes[0]) != kVersion || static_cast<uint8_t>(bytes[1]) != kind) return not_a_cursor();
  bytes.erase(0, kHeadBytes);
  return bytes;
}

std::string begin_cursor(uint8_t kind) { return {static_cast<char>(kVersion), static_cast<char>(kind)}; }

}  // namespace

std::string format_history_cursor(const HistoryCursor& cursor, std::string_view user, std::string_view thread) {
  std::string bytes = begin_cursor(kHistory);
  append_be64(bytes, cursor.incarnation);
  append_be64(bytes, cursor.leaf);
  append_be64(bytes, cursor.position);
  std::string scope;
  append_thread_prefix(scope, user, thread);
  return seal(std::move(bytes), scope);
}

std::string format_sessions_cursor(const SessionsCursor& cursor, std::string_view user) {
  std::string bytes = begin_cursor(kSessions);
  append_be64(bytes, cursor.recency_stamp);
  bytes.push_back(static_cast<char>(cursor.thread.size()));
  bytes.append(cursor.thread);
  std::string scope;
  append_user_prefix(scope, user);
  return seal(std::move(bytes), scope);
}

Result<HistoryCursor> parse_history_cursor(std::string_view text, std::string_view user, std::string_view thread) {
  std::string scope;
  append_thread_prefix(scope, user, thread);
  TRY_ASSIGN(const std::string fields, unseal(text, kHistory, scope));
  if (fields.size() != 24) return not_a_cursor();
  const HistoryCursor cursor{.incarnation = load_be64(fields.data()),
                             .leaf = load_be64(fields.data() + 8),
                             .position = load_be64(fields.data() + 16)};
  if (cursor.position == 0 || cursor.position > cursor.leaf) return not_a_cursor();
  return cursor;
}

Result<SessionsCursor> parse_sessions_cursor(std::string_view text, std::string_view user) {
  std::string scope;
  append_user_prefix(scope, user);
  TRY_ASSIGN(const std::string fields, unseal(text, kSessions, scope));
  if (fields.size() < 10) return not_a_cursor();
  const size_t thread_bytes = static_cast<uint8_t>(fields[8]);
  if (thread_bytes == 0 || thread_bytes > 128 || fields.size() != 9 + thread_bytes) return not_a_cursor();
  return SessionsCursor{.recency_stamp = load_be64(fields.data()), .thread = fields.substr(9)};
}

}  // namespace bobbin::store
