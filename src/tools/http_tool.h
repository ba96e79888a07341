#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/net/http_client.h"
#include "src/tools/tool.h"
#include "src/tools/url_template.h"

namespace bobbin::tools {

// Header fields whose values may be secrets.
struct HeaderSet {
  std::vector<std::pair<std::string, std::string>> fields;
  std::vector<std::string> secrets;  // never logged, and taken out of what the model is shown
};

// Every occurrence of a secret becomes `[secret]`: some servers repeat what they were sent.
[[nodiscard]] std::string without_secrets(std::string text, const std::vector<std::string>& secrets);

// A tool described in the configuration, as parse_tools_config() has checked it.
struct HttpToolConfig {
  ToolSpec spec;
  std::string method;  // GET, POST, PUT, PATCH or DELETE
  UrlTemplate url;
  HeaderSet headers;
  bool allow_private = false;  // addresses that are not public
  ToolLimits limits;
};

// Whether the arguments go as a JSON body.
[[nodiscard]] bool has_json_body(std::string_view method) noexcept;

// Calls one URL of one server. Redirects are not followed, no proxy is used, a request goes out once (a GET on a stale
// kept connection apart). The server's text is the result, whatever it says.
class HttpTool final : public Tool {
 public:
  // `client` outlives the tool.
  HttpTool(net::HttpClient& client, std::shared_ptr<const HttpToolConfig> config);

  [[nodiscard]] const ToolSpec& spec() const noexcept override { return config_->spec; }
  [[nodiscard]] ToolLimits limits() const noexcept override { return config_->limits; }
  Task<ToolResult> call(const JsonDocument& arguments, ToolProgress& progress, CancelScope& scope) override;

 private:
  net::HttpClient& client_;
  const std::shared_ptr<const HttpToolConfig> config_;
  const JsonDocument schema_;
};

}  // namespace bobbin::tools
