#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto_http/url.h"
#include "src/tools/json_value.h"

namespace bobbin::tools {

// A URL with holes for arguments: `https://host/items/{id}?lang={lang}&v=1`.
//
// Scheme, host and port are fixed: no argument can lead a call elsewhere. Arguments are percent-encoded, so that none
// can add a segment, a parameter or a fragment. One in the path has to be there, and may not make a `.` or `..`
// segment, not even for a server that decodes first and looks for slashes then. A part between `&`s of the query whose
// argument is absent or null is left out.
class UrlTemplate {
 public:
  // nullopt with a `complaint` for the person who configured it.
  static std::optional<UrlTemplate> parse(std::string_view text, std::string& complaint);

  // The names of the holes, each once, in their order.
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }

  // The URL for `arguments` (an object); nullopt with a `complaint` for the model. kTargetBytesMax at most.
  [[nodiscard]] std::optional<http::Url> expand(const JsonValue& arguments, std::string& complaint) const;

  // Servers refuse longer request lines.
  static constexpr size_t kTargetBytesMax = size_t{7} * 1024;

 private:
  struct Piece {
    bool is_name;
    std::string text;
  };
  using Pieces = std::vector<Piece>;
  bool take_pieces(std::string_view text, Pieces& pieces, std::string& complaint);

  http::Url base_;  // path and query empty
  Pieces path_;
  std::vector<Pieces> query_;
  std::vector<std::string> names_;
};

}  // namespace bobbin::tools
