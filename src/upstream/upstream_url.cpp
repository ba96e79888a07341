#include "src/upstream/upstream_url.h"

#include <algorithm>

namespace bobbin::upstream {
namespace {

constexpr std::string_view kChatPath = "/chat/completions";

// `v` and a digit, whatever follows: v1, v4, v1beta.
bool is_version(std::string_view segment) noexcept {
  return segment.size() >= 2 && segment[0] == 'v' && segment[1] >= '0' && segment[1] <= '9';
}

bool names_a_version(std::string_view path) noexcept {
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const size_t end = std::min(path.find('/'), path.size());
    if (is_version(path.substr(0, end))) return true;
    path.remove_prefix(end);
  }
  return false;
}

void trim_slashes(std::string& path) {
  while (path.ends_with('/')) path.pop_back();
}

}  // namespace

Result<Endpoints> parse_upstream_url(std::string_view text) {
  TRY_ASSIGN(http::Url url, http::parse_url(text));
  if (!url.query.empty() || text.find('?') != std::string_view::npos) {
    return fail(Code::invalid, 0, "the model's URL must not have a query");
  }
  trim_slashes(url.path);
  if (url.path.ends_with(kChatPath)) url.path.resize(url.path.size() - kChatPath.size());
  trim_slashes(url.path);
  if (!names_a_version(url.path)) url.path.append("/v1");

  Endpoints endpoints{
      .base = (url.tls ? "https://" : "http://") + url.authority() + url.path, .chat = url, .models = url};
  endpoints.chat.path.append(kChatPath);
  endpoints.models.path.append("/models");
  return endpoints;
}

}  // namespace bobbin::upstream
