#include "storage/key_layout.h"

#include <array>
#include <optional>

#include "src/base/bytes.h"
#include "src/base/json.h"
#include "src/base/text.h"
#include "src/base/uuid.h"

namespace bobbin::store {
namespace {

enum class Kind : uint8_t {
  none,
  str,           // u8 size | 1..128 bytes
  number,        // be64
  newest_first,  // be64 of the inverted number
  day,           // be32
  byte,          // u8
  id,            // 16 bytes
  hash,          // 32 bytes
  name,          // printable ASCII to the end of the key
};

struct Part {
  const char* name = "";
  Kind kind = Kind::none;
};
using Layout = std::array<Part, 4>;

constexpr Part kUser{"user", Kind::str};
constexpr Part kThread{"thread", Kind::str};
constexpr Part kOrder{"order", Kind::newest_first};

// In the order of Family.
constexpr std::array<Layout, kFamilyCount> kLayouts{{
    {kUser, kThread, kOrder},                                       // messages
    {kUser, kThread},                                               // threads
    {kUser, Part{"stamp", Kind::newest_first}, kThread},            // recency
    {kUser, kThread, Part{"run", Kind::id}},                        // runs
    {kUser, kThread, Part{"position", Kind::number}},               // queue
    {kUser, Part{"key", Kind::str}},                                // idempotency
    {kUser, kThread, kOrder, Part{"kind", Kind::byte}},             // annotations
    {kUser, Part{"created", Kind::newest_first}, kThread, kOrder},  // bookmarks
    {kUser, Part{"day", Kind::day}, Part{"model", Kind::str}},      // counters
    {kUser, Part{"name", Kind::str}},                               // settings
    {Part{"sequence", Kind::number}},                               // changes
    {kUser, Part{"sequence", Kind::number}},                        // feed
    {kUser, Part{"term", Kind::str}, kOrder, kThread},              // search
    {Part{"name", Kind::name}},                                     // meta
    {Part{"account", Kind::str}},                                   // accounts
    {Part{"secret hash", Kind::hash}},                              // shares
    {kUser, Part{"key", Kind::id}},                                 // keys
    {kUser, kThread, Part{"deletion", Kind::number}},               // erasures
}};
// The other kinds of keys in `accounts` and `keys`: by their first byte, a login by what follows its account.
constexpr Layout kAddressLayout{Part{"e-mail", Kind::str}};
constexpr Layout kInvitationLayout{Part{"invitation hash", Kind::hash}};
constexpr Layout kLoginLayout{Part{"account", Kind::str}, Part{"login", Kind::id}};
constexpr Layout kKeyReferenceLayout{Part{"secret hash", Kind::hash}};

size_t fixed_bytes(Kind kind) noexcept {
  switch (kind) {
    case Kind::number:
    case Kind::newest_first: return 8;
    case Kind::day: return 4;
    case Kind::byte: return 1;
    case Kind::id: return 16;
    case Kind::hash: return 32;
    case Kind::none:
    case Kind::str:
    case Kind::name: return 0;
  }
  return 0;
}

bool is_printable_ascii(std::string_view text) noexcept {
  for (const char c : text) {
    if (c <= 0x20 || c > 0x7e) return false;
  }
  return !text.empty();
}

// Takes the bytes of one part from the front of `rest`.
std::optional<std::string_view> take_part(Kind kind, std::string_view& rest) noexcept {
  size_t size = fixed_bytes(kind);
  if (kind == Kind::name) {
    if (!is_printable_ascii(rest)) return std::nullopt;
    size = rest.size();
  }
  if (kind == Kind::str) {
    if (rest.empty()) return std::nullopt;
    size = static_cast<uint8_t>(rest[0]);
    rest.remove_prefix(1);
    if (size == 0 || size > 128) return std::nullopt;
  }
  if (rest.size() < size) return std::nullopt;
  const std::string_view part = rest.substr(0, size);
  rest.remove_prefix(size);
  return part;
}

// The layout that `key` must have, and the key without what says which.
const Layout& layout_of(Family family, std::string_view& key) noexcept {
  if (key.starts_with('\0') && (family == Family::accounts || family == Family::keys)) {
    key.remove_prefix(1);
    return family == Family::accounts ? kAddressLayout : kKeyReferenceLayout;
  }
  if (family == Family::accounts && key.starts_with('\xff')) {
    key.remove_prefix(1);
    return kInvitationLayout;
  }
  if (family == Family::accounts && !key.empty() && key.size() > 1 + size_t{static_cast<uint8_t>(key[0])})
    return kLoginLayout;
  return kLayouts[static_cast<size_t>(family) - 1];
}

void append_hex(std::string& out, std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  for (const char c : bytes) {
    out.push_back(kHex[static_cast<uint8_t>(c) >> 4]);
    out.push_back(kHex[static_cast<uint8_t>(c) & 15]);
  }
}

void append_part(std::string& out, Kind kind, std::string_view bytes) {
  switch (kind) {
    case Kind::str: json::append_string(out, to_utf8_lossy(bytes)); break;
    case Kind::number: json::append_uint(out, load_be64(bytes.data())); break;
    case Kind::newest_first: json::append_uint(out, ~load_be64(bytes.data())); break;
    case Kind::day: json::append_uint(out, load_be32(bytes.data())); break;
    case Kind::byte: json::append_uint(out, static_cast<uint8_t>(bytes[0])); break;
    case Kind::id: {
      Uuid id;
      std::memcpy(id.bytes.data(), bytes.data(), id.bytes.size());
      out.append(id.to_string());
      break;
    }
    case Kind::hash: append_hex(out, bytes); break;
    case Kind::name: out.append(bytes); break;
    case Kind::none: break;
  }
}

}  // namespace

bool fits_layout(Family family, std::string_view key) noexcept {
  for (const Part& part : layout_of(family, key)) {
    if (part.kind == Kind::none) break;
    if (!take_part(part.kind, key)) return false;
  }
  return key.empty();
}

std::string describe_key(Family family, std::string_view key) {
  std::string text;
  if (!fits_layout(family, key)) {
    text = "bytes ";
    append_hex(text, key.substr(0, 64));
    if (key.size() > 64) text.append("…");
    return text;
  }
  for (const Part& part : layout_of(family, key)) {
    if (part.kind == Kind::none) break;
    const auto bytes = take_part(part.kind, key);
    if (!text.empty()) text.push_back(' ');
    text.append(part.name).push_back(' ');
    append_part(text, part.kind, *bytes);
  }
  return text;
}

}  // namespace bobbin::store
