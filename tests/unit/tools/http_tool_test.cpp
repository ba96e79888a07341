#include "src/tools/http_tool.h"

#include "src/base/text.h"
#include "src/tools/clip.h"
#include "src/tools/tools_config.h"
#include "tests/unit/tools/tool_world.h"

// HTTP tools against servers on real loopback sockets: what is sent, what comes of each answer, which addresses are
// refused.
namespace bobbin::tools::test {
namespace {

struct OneSecret final : SecretSource {
  std::optional<std::string> read_file(const std::string&) const override { return "s3cret-value"; }
  std::optional<std::string> environment(const std::string&) const override { return std::nullopt; }
};

void add_tools(ToolWorld& tools, const std::string& entries) {
  std::string complaint;
  const auto config = parse_tools_config("{\"http\":[" + entries + "]}", OneSecret(), complaint);
  CHECK_EQ(complaint, "");
  for (const auto& tool : config->http) tools.toolbox.add(std::make_shared<HttpTool>(*tools.world.client, tool));
}

std::string get_tool(const std::string& url, const std::string& more = "") {
  return R"({"name":"get","description":"d","parameters":{"type":"object","properties":{"q":{"type":"string"}}},"url":")" +
         url + R"(","headers":{"Authorization":{"file":"f","prefix":"Bearer "}})" + more + "}";
}
constexpr const char* kPrivate = R"(,"allow_private":true)";

TEST_CASE(get_sends_its_arguments_in_the_url) {
  RouteServer server([](const Request&) { return answer("200 OK", R"({"ok":"ja\u00e9"})"); });
  ToolWorld tools;
  tools.servers = {&server};
  add_tools(tools, get_tool(server.url("/find?q={q}"), kPrivate));
  const ToolResult result = tools.call("get", R"({"q":"a b&c"})");
  CHECK(!result.is_error);
  CHECK_EQ(result.content, R"({"ok":"ja\u00e9"})");
  CHECK_EQ(result.summary, "get: status 200");
  CHECK_EQ(server.requests.at(0).method, "GET");
  CHECK_EQ(server.requests.at(0).target, "/find?q=a%20b%26c");
  CHECK_EQ(server.requests.at(0).header("Authorization"), "Bearer s3cret-value");
  CHECK_EQ(server.requests.at(0).body, "");
  CHECK(tools.statuses == (std::vector<std::string>{"Calling get..."}));
}

TEST_CASE(post_sends_its_arguments_as_the_body_on_a_connection_of_its_own) {
  RouteServer server([](const Request&) { return answer("201 Created", "", ""); });
  ToolWorld tools;
  tools.servers = {&server};
  add_tools(
      tools,
      R"({"name":"make","description":"d","method":"POST","url":")" + server.url("/items/{id}") +
          R"(","parameters":{"type":"object","properties":{"id":{"type":"integer"},"t":{}}},"allow_private":true})");
  const ToolResult result = tools.call("make", R"({ "id": 7, "t": "x" })");
  CHECK(!result.is_error);
  CHECK_EQ(result.content, "The server answered with status 201 and no text.");
  CHECK_EQ(server.requests.at(0).target, "/items/7");
  CHECK_EQ(server.requests.at(0).body, R"({ "id": 7, "t": "x" })");
  CHECK_EQ(server.requests.at(0).header("Content-Type"), "application/json");
}

TEST_CASE(arguments_that_do_not_fit_never_reach_the_server) {
  RouteServer server([](const Request&) { return answer("200 OK", "x"); });
  ToolWorld tools;
  tools.servers = {&server};
  add_tools(tools, get_tool(server.url("/{q}"), kPrivate));
  for (const char* bad : {R"({"q":7})", R"({"q":".."})", R"({"q":""})", "{}", "[]", "{", "\"q\"", "null"}) {
    const ToolResult result = tools.call("get", bad);
    CHECK(result.is_error);
    CHECK(!result.content.empty() && !result.summary.empty());
  }
  CHECK(server.requests.empty());
}

TEST_CASE(refusals_are_one_sentence) {
  const std::pair<std::string, std::string> cases[] = {
      {answer("404 Not Found", "no\nsuch\x01thing", "Content-Type: text/plain\r\n"),
       "The server refused with status 404: no such thing"},
      {answer("500 No", "\x89PNG", "Content-Type: image/png\r\n"), "The server refused with status 500."},
      {answer("302 Found", "", "Location: http://169.254.169.254/\r\n"),
       "The server answered with a redirect (status 302), which is not followed."},
      {answer("200 OK", "\x89PNG", "Content-Type: image/png\r\n"),
       "The server answered with image/png, which cannot be shown."},
      {answer("200 OK", "xx", "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n"),
       "The server answered in a compressed form that was not asked for."},
      {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nhalf",
       "The server hung up before its answer was whole."},
      {"SSH-2.0-x\r\n\r\n", "The server gave an answer that is not understood."},
  };
  for (const auto& [bytes, sentence] : cases) {
    RouteServer server([&](const Request&) { return bytes; });
    ToolWorld tools;
    tools.servers = {&server};
    add_tools(tools, get_tool(server.url("/?q={q}"), kPrivate));
    const ToolResult result = tools.call("get", "{}");
    CHECK(result.is_error);
    CHECK_EQ(result.content, sentence);
    CHECK_EQ(server.requests.size(), 1u);
  }
}

TEST_CASE(nobody_there_is_one_sentence) {
  std::string url;
  {
    RouteServer gone([](const Request&) { return std::string(); });
    url = gone.url("/?q={q}");
  }
  ToolWorld tools;
  add_tools(tools, get_tool(url, kPrivate));
  CHECK_EQ(tools.call("get", "{}").content, "The server could not be reached: connection refused.");
}

TEST_CASE(private_addresses_are_refused_unless_allowed) {
  RouteServer server([](const Request&) { return answer("200 OK", "inside"); });
  for (const std::string& host :
       {std::string("127.0.0.1"), std::string("localhost"), std::string("[::1]"), std::string("[::ffff:127.0.0.1]"),
        std::string("0.0.0.0"), std::string("127.1.2.3"), std::string("10.0.0.1"), std::string("169.254.169.254"),
        std::string("100.64.0.1"), std::string("[64:ff9b::7f00:1]"), std::string("[fe80::1]"), std::string("[fd00::1]"),
        std::string("[2002:7f00:1::]")}) {
    ToolWorld tools;
    tools.servers = {&server};
    add_tools(tools, get_tool("http://" + host + ':' + std::to_string(server.port()) + "/?q={q}"));
    const ToolResult result = tools.call("get", "{}");
    CHECK(result.is_error);
    CHECK_EQ(result.content,
             "The server could not be called: its address is private or special, which this tool may not reach.");
  }
  CHECK(server.requests.empty());
}

TEST_CASE(kept_connection_of_a_tool_that_may_is_not_used_by_one_that_may_not) {
  RouteServer server([](const Request&) { return answer("200 OK", "inside"); });
  ToolWorld tools;
  tools.servers = {&server};
  add_tools(tools, get_tool(server.url("/?q={q}"), kPrivate) + R"(,{"name":"other","description":"d","url":")" +
                       server.url("/") + "\"}");
  CHECK(!tools.call("get", "{}").is_error);
  CHECK_EQ(tools.world.client->pooled_count(), 1u);
  CHECK(tools.call("other", "{}").is_error);
  CHECK_EQ(server.requests.size(), 1u);
}

TEST_CASE(result_is_bounded_clean_text) {
  std::string body;
  for (int i = 0; i < 20'000; ++i) body += "\u4f60\xff";
  RouteServer server([&](const Request&) { return answer("200 OK", body, "Content-Type: text/plain; charset=x\r\n"); });
  ToolWorld tools;
  tools.servers = {&server};
  add_tools(tools, get_tool(server.url("/?q={q}"), R"(,"allow_private":true,"result_bytes_max":1000)"));
  const ToolResult result = tools.call("get", "{}");
  CHECK(!result.is_error);
  CHECK(result.content.size() <= 1000 && result.content.size() > 990);
  CHECK(is_utf8(result.content));
  CHECK(result.content.find("[cut here") != std::string::npos);
}

TEST_CASE(secret_that_a_server_repeats_is_not_shown) {
  // At every place around the bound, in answers and in refusals.
  for (size_t before = 0; before < 1100; before += 37) {
    for (const char* status : {"200 OK", "403 No"}) {
      RouteServer server([&](const Request& request) {
        return answer(
            status,
            std::string(before, 'x') + request.header("Authorization") + " and s3cret-value " + std::string(9'000, 'y'),
            "");
      });
      ToolWorld tools;
      tools.servers = {&server};
      add_tools(tools, get_tool(server.url("/?q={q}"), R"(,"allow_private":true,"result_bytes_max":1000)"));
      const ToolResult result = tools.call("get", "{}");
      CHECK(result.content.find("s3c") == std::string::npos);
      CHECK(result.summary.find("s3c") == std::string::npos);
    }
  }
}

TEST_CASE(server_that_is_silent_costs_the_timeout_of_its_tool) {
  RouteServer server([](const Request&) { return std::string(); });
  ToolWorld tools;
  tools.servers = {&server};
  add_tools(tools, get_tool(server.url("/?q={q}"), R"(,"allow_private":true,"timeout_ms":2000)"));
  ToolWorld::Running& running = tools.begin("get", "{}");
  tools.until([&] { return !server.requests.empty(); });
  tools.world.loop.advance_ms(1'999);
  tools.world.settle();
  CHECK(!running.result);
  tools.world.loop.advance_ms(1);
  tools.until([&] { return running.result.has_value(); });
  CHECK(running.result->is_error);
  CHECK_EQ(running.result->content, "The tool did not finish within 2 s.");
}

}  // namespace
}  // namespace bobbin::tools::test
