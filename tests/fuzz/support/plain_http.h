#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// A second reader of HTTP/1.1 messages, written from RFC 9112 and from nothing of proto_http: plain, slow, and without
// any tolerance. Where bytes could be read in two ways, it does not read them at all.
namespace bobbin::fuzz {

struct PlainHead {
  std::string first_line;
  std::vector<std::pair<std::string, std::string>>
      fields;        // names in lower case, values without white space around them
  size_t bytes = 0;  // with the blank line

  [[nodiscard]] size_t count(std::string_view name) const;
  [[nodiscard]] std::string value(std::string_view name) const;  // of the first
};

// The head at the front of `text`. nullopt: there is none that everybody reads alike.
std::optional<PlainHead> read_plain_head(std::string_view text);

enum class PlainFraming : uint8_t { absent, length, chunked };
struct PlainLength {
  PlainFraming framing = PlainFraming::absent;
  uint64_t length = 0;
};
// How the fields say where the body ends. nullopt: they say it twice, or in a way that some would not understand.
std::optional<PlainLength> read_plain_length(const PlainHead& head);

struct PlainBody {
  enum class End : uint8_t { complete, cut, malformed };
  End end = End::cut;
  std::string bytes;     // what has been decoded
  size_t raw_bytes = 0;  // up to the end of a complete one
};
PlainBody read_plain_chunks(std::string_view text);

}  // namespace bobbin::fuzz
