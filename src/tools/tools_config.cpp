#include "src/tools/tools_config.h"

#include <algorithm>
#include <initializer_list>
#include <set>

#include "proto_http/headers.h"
#include "src/tools/clip.h"

namespace bobbin::tools {
namespace {

constexpr size_t kEntriesMax = 64;
constexpr size_t kDescriptionBytesMax = 4 * 1024;
constexpr size_t kSchemaBytesMax = 32 * 1024;
constexpr size_t kHeadersMax = 32;
constexpr size_t kHeaderBytesMax = 8 * 1024;

bool equals_any(std::string_view name, std::initializer_list<std::string_view> names) noexcept {
  return std::any_of(names.begin(), names.end(),
                     [name](std::string_view one) { return http::equals_ignoring_case(name, one); });
}

std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view kWhiteSpace = " \t\r\n";
  const size_t from = text.find_first_not_of(kWhiteSpace);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kWhiteSpace) - from + 1);
}

// Reads one entry of the file after another, and says which one is wrong and how. Every member is false or nullopt
// after its complaint.
class Reader {
 public:
  Reader(const SecretSource& secrets, std::string& complaint) : secrets_(secrets), complaint_(complaint) {}

  bool read(const JsonValue& root, ToolsConfig& config) {
    where_.clear();
    if (!root.is_object()) return complain("the file has to be one JSON object");
    if (!has_only(root, {"ifixit", "http", "mcp"})) return false;
    if (!read_ifixit(root["ifixit"], config)) return false;
    if (!read_list(root["http"], "http", [&](const JsonValue& entry) { return read_http(entry, config); }))
      return false;
    return read_list(root["mcp"], "mcp", [&](const JsonValue& entry) { return read_mcp(entry, config); });
  }

 private:
  bool complain(const std::string& what) {
    complaint_ = where_.empty() ? what : where_ + ": " + what;
    return false;
  }
  static std::string quoted(std::string_view text) { return '"' + to_excerpt(text) + '"'; }

  bool has_only(const JsonValue& object, std::initializer_list<std::string_view> known) {
    for (const auto& [name, value] : object.fields()) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      std::string list;
      for (const std::string_view one : known) list += (list.empty() ? "" : ", ") + std::string(one);
      return complain("unknown key " + quoted(name) + "; there are: " + list);
    }
    return true;
  }

  template <class ReadEntry>
  bool read_list(const JsonValue& list, const char* name, ReadEntry read_entry) {
    where_ = name;
    if (list.is_absent()) return true;
    if (list.kind() != JsonValue::Kind::array) return complain("has to be a list");
    const std::vector<JsonValue> entries = list.items();
    if (entries.size() > kEntriesMax) return complain("has more than " + std::to_string(kEntriesMax) + " entries");
    for (size_t i = 0; i < entries.size(); ++i) {
      where_ = std::string(name) + " entry " + std::to_string(i + 1);
      if (!entries[i].is_object()) return complain("has to be an object");
      const std::string_view entry_name = entries[i]["name"].text();
      if (!upstream::is_tool_name(entry_name))
        return complain("\"name\" has to be 1 to 64 letters, digits, `_` and `-`");
      where_ = std::string(name) + " entry " + quoted(entry_name);
      if (!read_entry(entries[i])) return false;
    }
    return true;
  }

  bool read_ifixit(const JsonValue& value, ToolsConfig& config) {
    where_ = "ifixit";
    if (value.is_absent() || value.boolean() == false) return true;
    IfixitConfig ifixit;
    std::string_view url = kIfixitUrl;
    if (value.is_object()) {
      if (!has_only(value, {"url", "contact"})) return false;
      if (!value["url"].is_absent()) url = value["url"].text();
      ifixit.contact = value["contact"].text();
      if (!http::is_header_value(ifixit.contact) || ifixit.contact.size() > 200)
        return complain("\"contact\" has to be one short line");
    } else if (value.boolean() != true) {
      return complain("has to be true, false or an object");
    }
    if (!read_url(url, ifixit.url)) return false;
    config.ifixit = std::move(ifixit);
    for (const char* name : {"ifixit_search_guides", "ifixit_get_guide", "ifixit_get_device"}) names_.insert(name);
    return true;
  }

  bool read_url(std::string_view text, http::Url& url) {
    Result<http::Url> parsed = http::parse_url(text);
    if (!parsed) return complain("\"url\" " + quoted(text) + ": " + parsed.error().detail);
    url = std::move(*parsed);
    return true;
  }

  bool read_http(const JsonValue& entry, ToolsConfig& config) {
    if (!has_only(entry, {"name", "description", "parameters", "method", "url", "headers", "allow_private",
                          "timeout_ms", "result_bytes_max"}))
      return false;
    ToolSpec spec{.name = std::string(entry["name"].text()),
                  .description = std::string(entry["description"].text()),
                  .parameters = entry["parameters"].to_json()};
    if (!names_.insert(spec.name).second) return complain("the name is used twice");
    if (spec.description.empty() || spec.description.size() > kDescriptionBytesMax)
      return complain("\"description\" has to say what the tool does, in 4096 bytes at most");
    if (!check_schema(entry["parameters"])) return false;
    std::string method(entry["method"].is_absent() ? "GET" : entry["method"].text());
    if (!equals_any(method, {"GET", "POST", "PUT", "PATCH", "DELETE"}) || method != upper(method))
      return complain("\"method\" has to be GET, POST, PUT, PATCH or DELETE");
    std::string why;
    std::optional<UrlTemplate> url = UrlTemplate::parse(entry["url"].text(), why);
    if (!url) return complain("\"url\": " + why);
    if (!check_holes(*url, entry["parameters"], method)) return false;
    HttpToolConfig tool{.spec = std::move(spec), .method = std::move(method), .url = std::move(*url), .headers = {}};
    if (!read_headers(entry["headers"], tool.headers)) return false;
    if (!read_common(entry, tool.allow_private, tool.limits)) return false;
    add_default(tool.headers, "User-Agent", "bobbin");
    add_default(tool.headers, "Accept", "application/json, text/*;q=0.9, */*;q=0.1");
    if (has_json_body(tool.method)) add_default(tool.headers, "Content-Type", "application/json");
    config.http.push_back(std::make_shared<const HttpToolConfig>(std::move(tool)));
    return true;
  }

  bool read_mcp(const JsonValue& entry, ToolsConfig& config) {
    if (!has_only(entry, {"name", "url", "headers", "allow_private", "timeout_ms", "result_bytes_max"})) return false;
    McpServerConfig server{.name = std::string(entry["name"].text()), .url = {}, .headers = {}};
    if (!server_names_.insert(server.name).second) return complain("the name is used twice");
    if (!read_url(entry["url"].text(), server.url)) return false;
    if (!read_headers(entry["headers"], server.headers)) return false;
    for (const auto& [name, value] : server.headers.fields) {
      if (equals_any(name, {"Accept", "Content-Type", "Last-Event-ID"}) || to_lower(name).starts_with("mcp-"))
        return complain("header " + quoted(name) + " belongs to the protocol");
    }
    if (!read_common(entry, server.allow_private, server.limits)) return false;
    add_default(server.headers, "User-Agent", "bobbin");
    config.mcp.push_back(std::move(server));
    return true;
  }

  bool read_common(const JsonValue& entry, bool& allow_private, ToolLimits& limits) {
    if (const JsonValue value = entry["allow_private"]; !value.is_absent()) {
      if (!value.boolean()) return complain("\"allow_private\" has to be true or false");
      allow_private = *value.boolean();
    }
    if (const JsonValue value = entry["timeout_ms"]; !value.is_absent()) {
      const int64_t ms = value.integer().value_or(0);
      if (ms < 100 || ms > 600'000) return complain("\"timeout_ms\" has to be 100 to 600000");
      limits.timeout_ms = static_cast<uint32_t>(ms);
    }
    if (const JsonValue value = entry["result_bytes_max"]; !value.is_absent()) {
      const int64_t bytes = value.integer().value_or(0);
      if (bytes < 256 || bytes > 262'144) return complain("\"result_bytes_max\" has to be 256 to 262144");
      limits.result_bytes_max = static_cast<size_t>(bytes);
    }
    return true;
  }

  bool check_schema(const JsonValue& schema) {
    if (schema.is_absent()) return true;
    if (!schema.is_object() || schema["type"].text() != "object")
      return complain("\"parameters\" has to be a JSON schema with \"type\": \"object\"");
    if (schema.to_json().size() > kSchemaBytesMax) return complain("\"parameters\" has more than 32768 bytes");
    for (const JsonValue& name : schema["required"].items()) {
      if (schema["properties"][name.text()].is_absent())
        return complain("\"parameters\" requires " + quoted(name.text()) + ", which is not among its properties");
    }
    return true;
  }

  // What the URL needs has to be in the schema, and what the schema offers has to go somewhere.
  bool check_holes(const UrlTemplate& url, const JsonValue& schema, const std::string& method) {
    for (const std::string& name : url.names()) {
      if (schema["properties"][name].is_absent())
        return complain("\"url\" uses {" + name + "}, which is not among the properties of \"parameters\"");
    }
    if (has_json_body(method)) return true;
    for (const auto& [name, property] : schema["properties"].fields()) {
      if (std::find(url.names().begin(), url.names().end(), name) == url.names().end())
        return complain("the parameter " + quoted(name) + " is not used in \"url\", and " + method + " has no body");
    }
    return true;
  }

  bool read_headers(const JsonValue& headers, HeaderSet& set) {
    if (headers.is_absent()) return true;
    if (!headers.is_object()) return complain("\"headers\" has to be an object");
    const auto fields = headers.fields();
    if (fields.size() > kHeadersMax) return complain("\"headers\" has too many fields");
    for (const auto& [name, value] : fields) {
      if (!http::is_token(name)) return complain(quoted(name) + " is not the name of a header");
      if (equals_any(name, {"Host", "Content-Length", "Transfer-Encoding", "Connection", "Accept-Encoding", "Upgrade",
                            "Expect", "TE", "Trailer", "Keep-Alive"}) ||
          to_lower(name).starts_with("proxy-"))
        return complain("header " + quoted(name) + " is the client's own");
      std::string text;
      if (!read_header_value(name, value, set, text)) return false;
      if (text.size() > kHeaderBytesMax || !http::is_header_value(text))
        return complain("the value of header " + quoted(name) + " may not stand in a header");
      set.fields.emplace_back(name, std::move(text));
    }
    return true;
  }

  bool read_header_value(std::string_view name, const JsonValue& value, HeaderSet& set, std::string& text) {
    if (value.kind() == JsonValue::Kind::text) {
      text = value.text();
      return true;
    }
    const std::string header = "header " + quoted(name);
    if (!value.is_object()) return complain(header + R"( has to be text, {"file": …} or {"env": …})");
    if (!has_only(value, {"file", "env", "prefix"})) return false;
    const std::string file(value["file"].text());
    const std::string variable(value["env"].text());
    if (file.empty() == variable.empty()) return complain(header + R"( needs one of "file" and "env")");
    const std::optional<std::string> read = file.empty() ? secrets_.environment(variable) : secrets_.read_file(file);
    if (!read)
      return complain(header + (file.empty() ? ": the environment has no " + quoted(variable)
                                             : ": cannot read the file " + quoted(file)));
    const std::string secret(trim(*read));
    if (secret.empty()) return complain(header + ": the secret is empty");
    text = std::string(value["prefix"].text()) + secret;
    set.secrets.push_back(secret);
    return true;
  }

  static void add_default(HeaderSet& set, const char* name, const char* value) {
    for (const auto& [known, text] : set.fields) {
      if (http::equals_ignoring_case(known, name)) return;
    }
    set.fields.emplace_back(name, value);
  }
  static std::string to_lower(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return lower;
  }
  static std::string upper(std::string_view text) {
    std::string upper(text);
    for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    return upper;
  }

  const SecretSource& secrets_;
  std::string& complaint_;
  std::string where_;            // the entry that is being read
  std::set<std::string> names_;  // of tools
  std::set<std::string> server_names_;
};

}  // namespace

std::optional<ToolsConfig> parse_tools_config(std::string_view text, const SecretSource& secrets,
                                              std::string& complaint) {
  const Result<JsonDocument> document = JsonDocument::parse(text);
  if (!document) {
    complaint = "the file is not JSON";
    return std::nullopt;
  }
  ToolsConfig config;
  Reader reader(secrets, complaint);
  if (!reader.read(document->root(), config)) return std::nullopt;
  return config;
}

}  // namespace bobbin::tools
