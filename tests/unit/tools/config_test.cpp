#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>

#include "src/tools/tools_config.h"
#include "tests/support/test.h"

// The file of --tools: what it can say, and that each mistake is named with its entry and without a secret.
namespace bobbin::tools {
namespace {

struct Secrets final : SecretSource {
  std::map<std::string, std::string> files = {{"key", " s3cret\n"}, {"empty", " \n"}, {"lines", "a\nb"}};
  std::optional<std::string> read_file(const std::string& path) const override {
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  }
  std::optional<std::string> environment(const std::string& name) const override {
    return name == "TOKEN" ? std::optional<std::string>("t0ken") : std::nullopt;
  }
};

ToolsConfig parse(std::string_view text) {
  std::string complaint;
  std::optional<ToolsConfig> config = parse_tools_config(text, Secrets(), complaint);
  if (!config) throw bobbin::test::Failure(complaint);
  return std::move(*config);
}

std::string complaint_of(std::string_view text) {
  std::string complaint;
  if (parse_tools_config(text, Secrets(), complaint)) throw bobbin::test::Failure("accepted " + std::string(text));
  return complaint;
}

// A file with one HTTP tool that is right but for `changes`, which come first.
std::string http_complaint(const std::string& changes) {
  return complaint_of(R"({"http":[{"name":"t",)" + changes + "}]}");
}

TEST_CASE(an_empty_object_is_no_tools) {
  const ToolsConfig config = parse("{}");
  CHECK(!config.ifixit && config.http.empty() && config.mcp.empty());
  CHECK(!parse(R"({"ifixit":false})").ifixit);
}

TEST_CASE(ifixit_is_on_when_asked_for) {
  CHECK_EQ(parse(R"({"ifixit":true})").ifixit->url.host, "www.ifixit.com");
  const auto ifixit = parse(R"({"ifixit":{"url":"http://127.0.0.1:1/api","contact":"me@example.org"}})").ifixit;
  CHECK_EQ(ifixit->url.port, 1);
  CHECK_EQ(ifixit->contact, "me@example.org");
  CHECK_EQ(parse(R"({"ifixit":{}})").ifixit->url.path, "/api/2.0");
}

TEST_CASE(http_tool_is_read_with_its_secrets) {
  const ToolsConfig config = parse(R"({"http":[{"name":"issue","description":"Makes an issue",
    "parameters":{"type":"object","properties":{"repo":{"type":"string"},"title":{"type":"string"}},"required":["repo"]},
    "method":"POST","url":"https://api.example.com/{repo}/issues",
    "headers":{"Authorization":{"file":"key","prefix":"Bearer "},"X-Token":{"env":"TOKEN"},"Accept":"text/plain"},
    "allow_private":true,"timeout_ms":5000,"result_bytes_max":1000}]})");
  const HttpToolConfig& tool = *config.http.at(0);
  CHECK_EQ(tool.spec.name, "issue");
  CHECK(tool.spec.parameters.starts_with(R"({"type":"object","properties":{"repo")"));
  CHECK(tool.headers.fields ==
        (std::vector<std::pair<std::string, std::string>>{{"Authorization", "Bearer s3cret"},
                                                          {"X-Token", "t0ken"},
                                                          {"Accept", "text/plain"},
                                                          {"User-Agent", "bobbin"},
                                                          {"Content-Type", "application/json"}}));
  CHECK(tool.headers.secrets == (std::vector<std::string>{"s3cret", "t0ken"}));
  CHECK(tool.allow_private);
  CHECK_EQ(tool.limits.timeout_ms, 5000u);
  CHECK_EQ(tool.limits.result_bytes_max, 1000u);
}

TEST_CASE(mcp_server_is_read) {
  const ToolsConfig config =
      parse(R"({"mcp":[{"name":"every","url":"https://mcp.example.com/mcp","headers":{"X-Key":{"env":"TOKEN"}}}]})");
  CHECK_EQ(config.mcp.at(0).name, "every");
  CHECK_EQ(config.mcp.at(0).url.path, "/mcp");
  CHECK(!config.mcp.at(0).allow_private);
  CHECK_EQ(config.mcp.at(0).limits.timeout_ms, 30'000u);
}

TEST_CASE(mistakes_name_their_entry) {
  const std::string d = R"("description":"d",)";
  const std::string u = R"("url":"https://h.example/x")";
  const std::pair<std::string, std::string> cases[] = {
      {complaint_of("{"), "the file is not JSON"},
      {complaint_of("[]"), "the file has to be one JSON object"},
      {complaint_of(R"({"mpc":[]})"), "unknown key \"mpc\"; there are: ifixit, http, mcp"},
      {complaint_of(R"({"ifixit":"yes"})"), "ifixit: has to be true, false or an object"},
      {complaint_of(R"({"ifixit":{"url":"nowhere"}})"), "ifixit: \"url\" \"nowhere\": "},
      {complaint_of(R"({"http":{}})"), "http: has to be a list"},
      {complaint_of(R"({"http":[1]})"), "http entry 1: has to be an object"},
      {complaint_of(R"({"http":[{"name":"a b"}]})"), "http entry 1: \"name\" has to be"},
      {http_complaint(u), "http entry \"t\": \"description\" has to say"},
      {http_complaint(d + u + R"(,"uri":1)"), "http entry \"t\": unknown key \"uri\""},
      {http_complaint(d + R"("url":"https://{h}/")"), "http entry \"t\": \"url\": scheme, host and port"},
      {http_complaint(d + R"("url":"https://h.example/{x}")"),
       "http entry \"t\": \"url\" uses {x}, which is not among"},
      {http_complaint(d + u + R"(,"method":"get")"), "http entry \"t\": \"method\" has to be"},
      {http_complaint(d + u + R"(,"parameters":{"type":"string"})"),
       "http entry \"t\": \"parameters\" has to be a JSON schema"},
      {http_complaint(d + u + R"(,"parameters":{"type":"object","required":["q"]})"),
       "http entry \"t\": \"parameters\" requires \"q\""},
      {http_complaint(d + u + R"(,"parameters":{"type":"object","properties":{"q":{}}})"),
       "http entry \"t\": the parameter \"q\" is not used in \"url\", and GET has no body"},
      {http_complaint(d + u + R"(,"headers":[])"), "http entry \"t\": \"headers\" has to be an object"},
      {http_complaint(d + u + R"(,"headers":{"host":"x"})"), "http entry \"t\": header \"host\" is the client's own"},
      {http_complaint(d + u + R"(,"headers":{"a b":"x"})"), "http entry \"t\": \"a b\" is not the name of a header"},
      {http_complaint(d + u + R"(,"headers":{"A":"x\r\nB: y"})"),
       "http entry \"t\": the value of header \"A\" may not stand"},
      {http_complaint(d + u + R"(,"headers":{"A":{"file":"lines"}})"),
       "http entry \"t\": the value of header \"A\" may not stand"},
      {http_complaint(d + u + R"(,"headers":{"A":{"file":"gone"}})"),
       "http entry \"t\": header \"A\": cannot read the file \"gone\""},
      {http_complaint(d + u + R"(,"headers":{"A":{"file":"empty"}})"),
       "http entry \"t\": header \"A\": the secret is empty"},
      {http_complaint(d + u + R"(,"headers":{"A":{"env":"GONE"}})"),
       "http entry \"t\": header \"A\": the environment has no \"GONE\""},
      {http_complaint(d + u + R"(,"headers":{"A":{"file":"key","env":"TOKEN"}})"),
       "http entry \"t\": header \"A\" needs one of"},
      {http_complaint(d + u + R"(,"headers":{"A":7})"), "http entry \"t\": header \"A\" has to be text"},
      {http_complaint(d + u + R"(,"allow_private":"yes")"),
       "http entry \"t\": \"allow_private\" has to be true or false"},
      {http_complaint(d + u + R"(,"timeout_ms":5)"), "http entry \"t\": \"timeout_ms\" has to be"},
      {http_complaint(d + u + R"(,"result_bytes_max":1e9)"), "http entry \"t\": \"result_bytes_max\" has to be"},
      {complaint_of(R"({"http":[{"name":"t",)" + d + u + R"(},{"name":"t",)" + d + u + "}]}"),
       "http entry \"t\": the name is used twice"},
      {complaint_of(R"({"ifixit":true,"http":[{"name":"ifixit_get_guide",)" + d + u + "}]}"),
       "http entry \"ifixit_get_guide\": the name is used twice"},
      {complaint_of(R"({"mcp":[{"name":"m"}]})"), "mcp entry \"m\": \"url\" \"\": "},
      {complaint_of(R"({"mcp":[{"name":"m","url":"http://h/","headers":{"Mcp-Session-Id":"x"}}]})"),
       "mcp entry \"m\": header \"Mcp-Session-Id\" belongs"},
      {complaint_of(R"({"mcp":[{"name":"m","url":"http://h/"},{"name":"m","url":"http://h/"}]})"),
       "mcp entry \"m\": the name is used twice"},
  };
  for (const auto& [complaint, expected] : cases) {
    if (!complaint.starts_with(expected))
      throw bobbin::test::Failure("\"" + complaint + "\" is not \"" + expected + "...\"");
  }
}

TEST_CASE(file_is_loaded_with_secrets_beside_it) {
  const std::string folder = "/tmp/bobbin_tools_config_test." + std::to_string(getpid());
  const std::string path = folder + ".json";
  const std::string secret_path = folder + ".key";
  const std::string secret_name = secret_path.substr(secret_path.rfind('/') + 1);
  std::ofstream(path) << R"({"mcp":[{"name":"m","url":"http://h/","headers":{"K":{"file":")" << secret_name
                      << R"("}}}]})";
  std::ofstream(secret_path) << "from a file\n";
  std::string complaint;
  const std::optional<ToolsConfig> config = load_tools_config(path, complaint);
  std::remove(secret_path.c_str());
  CHECK_EQ(complaint, "");
  CHECK_EQ(config->mcp.at(0).headers.secrets.at(0), "from a file");
  CHECK(!load_tools_config(path, complaint));
  std::remove(path.c_str());
  CHECK(!load_tools_config(path, complaint));
  CHECK_EQ(complaint, "cannot read the file");
  CHECK(load_tools_config("", complaint).has_value());
}

}  // namespace
}  // namespace bobbin::tools
