#include "src/auth/jwks_copy.h"

#include <simdjson.h>

#include "src/auth/jwks.h"
#include "src/auth/small_file.h"
#include "src/base/json.h"

namespace bobbin::auth {
namespace {

namespace dom = simdjson::dom;

// The set is kept as text, whose escapes take up to six bytes for one.
constexpr size_t kCopyBytesMax = 6 * kJwksBytesMax + 16 * 1024;

std::string path_in(const std::string& directory) { return directory + "/" + kJwksCopyFileName; }

}  // namespace

Result<std::string> load_jwks_copy(const std::string& directory, std::string_view url) {
  TRY_ASSIGN(const std::string text, read_small_file(path_in(directory), kCopyBytesMax));
  dom::parser parser;
  dom::object copy;
  std::string_view copied_url;
  std::string_view jwks;
  if (parser.parse(simdjson::padded_string(text)).get(copy) != simdjson::SUCCESS ||
      copy["url"].get(copied_url) != simdjson::SUCCESS || copy["jwks"].get(jwks) != simdjson::SUCCESS) {
    return fail(Code::malformed, 0, "the saved key set is damaged");
  }
  if (copied_url != url) return fail(Code::not_found, 0, "the saved key set is that of another URL");
  return std::string(jwks);
}

Result<void> save_jwks_copy(const std::string& directory, std::string_view url, std::string_view jwks) {
  std::string text;
  json::Object copy(text);
  copy.field("url", url).field("jwks", jwks).close();
  text.push_back('\n');
  return replace_small_file(path_in(directory), text);
}

}  // namespace bobbin::auth
