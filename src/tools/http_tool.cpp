#include "src/tools/http_tool.h"

#include <algorithm>

#include "src/base/assert.h"
#include "src/base/text.h"
#include "src/tools/arguments.h"
#include "src/tools/clip.h"
#include "src/tools/fetch.h"

namespace bobbin::tools {
namespace {

// No secret is longer (tools_config.cpp): read so much more than is shown that one at the edge is whole.
constexpr size_t kSecretBytesMax = 8 * 1024;

JsonDocument parse_schema(const std::string& text) {
  Result<JsonDocument> schema = JsonDocument::parse(text.empty() ? "{}" : text);
  BOBBIN_ASSERT(schema.has_value());  // the configuration has checked it
  return std::move(*schema);
}

bool is_text(std::string_view media_type) noexcept {
  const auto begins = [&](std::string_view with) {
    return media_type.size() >= with.size() && http::equals_ignoring_case(media_type.substr(0, with.size()), with);
  };
  const auto ends = [&](std::string_view with) {
    return media_type.size() >= with.size() &&
           http::equals_ignoring_case(media_type.substr(media_type.size() - with.size()), with);
  };
  return media_type.empty() || begins("text/") || begins("application/json") || begins("application/xml") ||
         begins("application/x-ndjson") || begins("application/yaml") || ends("+json") || ends("+xml");
}

bool is_encoded(const http::ResponseHead& head) noexcept {
  const std::string_view coding = head.find_header("Content-Encoding").value_or("identity");
  return !http::equals_ignoring_case(coding, "identity");
}

ToolResult make_result(const HttpToolConfig& config, const Fetched& fetched) {
  const std::string status = std::to_string(fetched.status());
  if (fetched.status() >= 300 && fetched.status() < 400)
    return tool_error("The server answered with a redirect (status " + status + "), which is not followed.");
  if (is_encoded(fetched.head)) return tool_error("The server answered in a compressed form that was not asked for.");
  std::string text = without_secrets(to_utf8_lossy(fetched.body), config.headers.secrets);
  if (fetched.status() >= 400) {
    std::string sentence = "The server refused with status " + status;
    const std::string excerpt = is_text(fetched.media_type()) ? to_excerpt(text) : std::string();
    return tool_error(sentence + (excerpt.empty() ? "." : ": " + excerpt));
  }
  if (!is_text(fetched.media_type()))
    return tool_error("The server answered with " + to_excerpt(fetched.media_type()) + ", which cannot be shown.");
  if (text.empty()) text = "The server answered with status " + status + " and no text.";
  return {.content = std::move(text), .is_error = false, .summary = config.spec.name + ": status " + status};
}

}  // namespace

std::string without_secrets(std::string text, const std::vector<std::string>& secrets) {
  constexpr std::string_view kMark = "[secret]";
  for (const std::string& secret : secrets) {
    if (secret.empty()) continue;
    for (size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + kMark.size()))
      text.replace(at, secret.size(), kMark);
  }
  return text;
}

bool has_json_body(std::string_view method) noexcept {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

HttpTool::HttpTool(net::HttpClient& client, std::shared_ptr<const HttpToolConfig> config)
    : client_(client), config_(std::move(config)), schema_(parse_schema(config_->spec.parameters)) {}

Task<ToolResult> HttpTool::call(const JsonDocument& arguments, ToolProgress& progress, CancelScope& scope) {
  if (const auto fault = find_argument_fault(schema_.root(), arguments.root())) co_return tool_error(*fault);
  std::string complaint;
  const std::optional<http::Url> url = config_->url.expand(arguments.root(), complaint);
  if (!url) co_return tool_error(std::move(complaint));

  net::HttpCallOptions request{.method = config_->method,
                               .url = *url,
                               .headers = config_->headers.fields,
                               .body = has_json_body(config_->method) ? std::string(arguments.source()) : std::string(),
                               .first_byte_timeout_ms = config_->limits.timeout_ms,
                               .idle_timeout_ms = config_->limits.timeout_ms,
                               .address_policy = config_->allow_private ? net::is_any_address : net::is_public_address,
                               .once = config_->method != "GET"};
  progress.on_status("Calling " + config_->spec.name + "...");
  const Result<Fetched> fetched =
      co_await fetch(client_, std::move(request), config_->limits.result_bytes_max + kSecretBytesMax, scope);
  if (!fetched) co_return tool_error("The server " + explain_network(fetched.error()) + '.');
  co_return make_result(*config_, *fetched);
}

}  // namespace bobbin::tools
