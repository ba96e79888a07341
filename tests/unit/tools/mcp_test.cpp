#include <algorithm>

#include "src/base/text.h"
#include "src/tools/make_toolbox.h"
#include "src/tools/mcp_content.h"
#include "src/tools/mcp_message.h"
#include "src/tools/mcp_server.h"
#include "tests/unit/tools/tool_world.h"

// The MCP client against a server on loopback that keeps sessions, pages its list, streams its answers, and misbehaves.
namespace bobbin::tools::test {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string events(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}
std::string event(const std::string& json) { return "event: message\ndata: " + json + "\n\n"; }

// A server by the book; each of its answers can be changed.
struct McpPeer {
  McpPeer() : server([this](const Request& request) { return serve(request); }) { tools.servers = {&server}; }

  void add(const std::string& name = "peer", const std::string& more = "") {
    std::string complaint;
    const auto config = parse_tools_config(R"({"mcp":[{"name":")" + name + R"(","url":")" + server.url("/mcp") +
                                               R"(","allow_private":true)" + more + "}]}",
                                           Secrets(), complaint);
    CHECK_EQ(complaint, "");
    tools.toolbox.add(std::make_unique<McpServer>(tools.world.loop, *tools.world.client, config->mcp.at(0)));
  }
  struct Secrets final : SecretSource {
    std::optional<std::string> read_file(const std::string&) const override { return "mcp-s3cret"; }
    std::optional<std::string> environment(const std::string&) const override { return std::nullopt; }
  };

  std::string serve(const Request& request) {
    if (request.method == "GET") return on_get(request);
    if (request.method == "DELETE") return answer("200 OK", "", "");
    const JsonDocument document = CHECK_OK(JsonDocument::parse(request.body));
    const JsonValue message = document.root();
    methods.emplace_back(message["method"].text());
    id = message["id"].to_json();
    if (methods.back() == "initialize") {
      ++sessions;
      const std::string session = "Mcp-Session-Id: s" + std::to_string(sessions) + "\r\n";
      return answer("200 OK", result(initialize_result),
                    initialize_fields.empty() ? "Content-Type: application/json\r\n" + session : initialize_fields);
    }
    if (!session_header.empty() && request.header("Mcp-Session-Id") != session_header + std::to_string(sessions))
      return lost_answer;
    if (message["id"].is_absent() || message["method"].is_absent()) return accepted_answer;
    if (methods.back() == "tools/list") return on_list(message["params"]);
    return on_call(message["params"]);
  }
  std::string result(const std::string& json) const {
    return R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + json + "}";
  }
  std::string json_answer(const std::string& body) const { return answer("200 OK", body); }
  static std::string text_result(const std::string& text) {
    return R"({"content":[{"type":"text","text":")" + text + "\"}]}";
  }
  size_t count(std::string_view method) const {
    return static_cast<size_t>(std::count(methods.begin(), methods.end(), method));
  }

  std::string initialize_result =
      R"({"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"x"}})";
  std::string initialize_fields;  // empty: JSON, with a session
  std::string accepted_answer = answer("202 Accepted", "", "");
  std::string session_header = "s";  // empty: not looked at
  std::string lost_answer = answer("404 Not Found", "");
  std::function<std::string(const Request&)> on_get = [](const Request&) {
    return answer("405 Method Not Allowed", "");
  };
  std::function<std::string(const JsonValue&)> on_list = [this](const JsonValue& params) {
    if (params["cursor"].text() == "page2")
      return json_answer(result(R"({"tools":[{"name":"add","inputSchema":{"type":"object"}}]})"));
    return json_answer(result(
        R"({"tools":[{"name":"echo","description":"Echoes","inputSchema":{"type":"object","properties":{"m":{"type":"string"}}}}],"nextCursor":"page2"})"));
  };
  std::function<std::string(const JsonValue&)> on_call = [this](const JsonValue& params) {
    return json_answer(
        result(text_result(std::string(params["name"].text()) + " " + std::string(params["arguments"]["m"].text()))));
  };
  std::vector<std::string> methods;
  std::string id;
  int sessions = 0;
  RouteServer server;
  ToolWorld tools;
};

TEST_CASE(mcp_session_begins_lists_all_pages_and_calls) {
  McpPeer peer;
  peer.add("peer", R"(,"headers":{"Authorization":{"file":"x","prefix":"Bearer "}})");
  const std::vector<ToolSpec> specs = peer.tools.specs();
  CHECK(specs == (std::vector<ToolSpec>{{"echo", "Echoes", R"({"type":"object","properties":{"m":{"type":"string"}}})"},
                                        {"add", "", R"({"type":"object"})"}}));
  const ToolResult result = peer.tools.call("echo", R"({"m":"h\u00e9"})");
  CHECK(!result.is_error);
  CHECK_EQ(result.content, "echo h\u00e9");
  CHECK(peer.methods == (std::vector<std::string>{"initialize", "notifications/initialized", "tools/list", "tools/list",
                                                  "tools/call"}));
  const Request& first = peer.server.requests.at(0);
  CHECK_EQ(first.method + ' ' + first.target, "POST /mcp");
  CHECK_EQ(
      first.body,
      R"({"jsonrpc":"2.0","id":2,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bobbin","version":"1"}}})");
  CHECK_EQ(first.header("Mcp-Session-Id"), "");
  for (const Request& request : peer.server.requests) {
    CHECK_EQ(request.header("Authorization"), "Bearer mcp-s3cret");
    CHECK_EQ(request.header("Accept"), "application/json, text/event-stream");
    if (&request == &first) continue;
    CHECK_EQ(request.header("Mcp-Session-Id"), "s1");
    CHECK_EQ(request.header("MCP-Protocol-Version"), "2025-06-18");
  }
  CHECK(has(peer.server.requests.back().body,
            R"("params":{"name":"echo","arguments":{"m":"h\u00e9"},"_meta":{"progressToken":)"));
  peer.tools.close();
  CHECK_EQ(peer.server.requests.back().method, "DELETE");
  CHECK_EQ(peer.server.requests.back().header("Mcp-Session-Id"), "s1");
}

TEST_CASE(mcp_progress_becomes_status_and_pings_are_answered) {
  McpPeer peer;
  peer.add();
  peer.tools.specs();
  peer.on_call = [&](const JsonValue& params) {
    const std::string token = params["_meta"]["progressToken"].to_json();
    return events(
        ": comment\n\nid: 1\ndata:\n\n" +
        event(R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":)" + token +
              R"(,"progress":1,"total":2}})") +
        event(R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":)" + token +
              R"(,"progress":2,"message":"half\nway"}})") +
        event(
            R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":999,"message":"another's"}})") +
        event(R"({"jsonrpc":"2.0","id":"p","method":"ping"})") +
        event(R"({"jsonrpc":"2.0","id":7,"method":"sampling/createMessage","params":{}})") +
        event(R"({"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}})") +
        event("nonsense") + event("[]") + event(R"({"jsonrpc":"2.0","id":123456,"result":{"content":[]}})") +
        event(peer.result(McpPeer::text_result("done"))));
  };
  const ToolResult result = peer.tools.call("echo", "{}");
  CHECK(!result.is_error);
  CHECK_EQ(result.content, "done");
  CHECK(peer.tools.statuses == (std::vector<std::string>{"Calling echo of peer...", "1 of 2", "half way"}));
  peer.tools.close();
  std::vector<std::string> replies;
  for (const Request& request : peer.server.requests) {
    if (has(request.body, R"("method")") || request.method != "POST") continue;
    replies.push_back(request.body);
  }
  std::sort(replies.begin(), replies.end());  // each goes by a connection of its own
  CHECK(replies ==
        (std::vector<std::string>{
            R"({"jsonrpc":"2.0","id":"p","result":{}})",
            R"({"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"this client does not do that"}})"}));
}

TEST_CASE(mcp_session_that_is_lost_begins_again_once) {
  for (const std::string& lost :
       {answer("404 Not Found", "x"),
        answer("400 Bad Request",
               R"({"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"}})")}) {
    McpPeer peer;
    peer.lost_answer = lost;
    peer.add();
    peer.tools.specs();
    ++peer.sessions;  // the server has forgotten s1
    const ToolResult result = peer.tools.call("echo", R"({"m":"x"})");
    CHECK(!result.is_error);
    CHECK_EQ(result.content, "echo x");
    CHECK_EQ(peer.count("initialize"), 2u);
    CHECK_EQ(peer.count("tools/call"), 2u);
    CHECK_EQ(peer.server.requests.back().header("Mcp-Session-Id"), "s3");
  }
}

TEST_CASE(mcp_session_that_is_always_lost_is_an_error) {
  McpPeer peer;
  peer.add();
  peer.tools.specs();
  peer.session_header = "other";
  const ToolResult result = peer.tools.call("echo", "{}");
  CHECK(result.is_error);
  CHECK(has(result.content, "The server \"peer\" refused with status 404"));
  CHECK(peer.count("tools/call") <= 2);
}

TEST_CASE(mcp_list_is_fetched_again_when_it_changed_or_is_old) {
  McpPeer peer;
  peer.add();
  peer.tools.specs();
  peer.tools.specs();
  CHECK_EQ(peer.count("tools/list"), 2u);  // two pages, once
  peer.on_call = [&](const JsonValue&) {
    return events(event(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})") +
                  event(peer.result(McpPeer::text_result("ok"))));
  };
  peer.tools.call("echo", "{}");
  peer.on_list = [&](const JsonValue&) {
    return peer.json_answer(peer.result(R"({"tools":[{"name":"new.tool/x"}]})"));
  };
  peer.tools.world.loop.advance_ms(McpServer::kPauseMs);
  const std::vector<ToolSpec> specs = peer.tools.specs();
  CHECK_EQ(specs.size(), 1u);
  CHECK_EQ(specs[0].name, "new_tool_x");
  CHECK_EQ(peer.count("tools/list"), 3u);
  peer.tools.call("new_tool_x", "{}");
  CHECK(has(peer.server.requests.back().body, R"("name":"new.tool/x")"));
  peer.tools.world.loop.advance_ms(McpServer::kListAgeMs);
  peer.tools.specs();
  CHECK(peer.count("tools/list") >= 4u);
}

TEST_CASE(mcp_standing_stream_tells_of_a_changed_list) {
  McpPeer peer;
  peer.initialize_result = R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true}}})";
  int gets = 0;
  peer.on_get = [&](const Request& request) {
    CHECK_EQ(request.header("Accept"), "text/event-stream");
    CHECK_EQ(request.header("Mcp-Session-Id"), "s1");
    if (++gets == 1)
      return events("id: e7\nretry: 1500\n" +
                    event(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})"));
    CHECK_EQ(request.header("Last-Event-ID"), "e7");
    return std::string();  // stays open until the client leaves
  };
  peer.add();
  peer.tools.specs();
  peer.tools.until([&] { return gets == 1; });
  peer.tools.world.settle();
  peer.tools.world.settle();
  peer.tools.world.loop.advance_ms(McpServer::kPauseMs);
  peer.tools.specs();
  CHECK_EQ(peer.count("tools/list"), 4u);
  peer.tools.until([&] { return gets == 2; });
  peer.tools.close();
}

TEST_CASE(mcp_server_that_fails_is_left_alone_for_a_while) {
  McpPeer peer;
  peer.on_list = [](const JsonValue&) { return answer("500 No", "boom"); };
  peer.add();
  CHECK(peer.tools.specs().empty());
  CHECK(peer.tools.specs().empty());
  CHECK_EQ(peer.count("tools/list"), 1u);
  peer.tools.world.loop.advance_ms(McpServer::kRetryMs);
  CHECK(peer.tools.specs().empty());
  CHECK_EQ(peer.count("tools/list"), 2u);
}

TEST_CASE(mcp_failures_are_one_sentence_each) {
  using Make = std::function<std::string(const McpPeer&)>;
  const std::pair<Make, std::string> cases[] = {
      {[](const McpPeer& peer) {
         return answer("200 OK", R"({"jsonrpc":"2.0","id":)" + peer.id +
                                     R"(,"error":{"code":-32602,"message":"Unknown tool\n\u0007"}})");
       },
       "refused: Unknown tool"},
      {[](const McpPeer&) {
         return answer("200 OK", R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse"}})");
       },
       "refused: Parse"},
      {[](const McpPeer&) { return answer("401 Unauthorized", R"({"error":"invalid_token"})"); },
       "refused with status 401: invalid_token"},
      {[](const McpPeer&) { return answer("307 Moved", "", "Location: http://127.0.0.1/\r\n"); },
       "refused with status 307"},
      {[](const McpPeer&) { return answer("200 OK", "{"); }, "gave an answer that is not understood"},
      {[](const McpPeer&) { return answer("200 OK", "<html>", "Content-Type: text/html\r\n"); },
       "gave an answer that is not understood"},
      {[](const McpPeer&) { return answer("200 OK", R"({"jsonrpc":"2.0","id":99999,"result":{}})"); },
       "gave an answer that is not understood"},
      {[](const McpPeer&) { return answer("200 OK", std::string(1'100'000, ' ')); }, "gave too large an answer"},
      {[](const McpPeer&) { return events("data: " + std::string(1'100'000, 'x') + "\n\n"); },
       "gave too large an answer"},
      {[](const McpPeer&) { return events(event("{}")); }, "ended its answer early"},
      {[](const McpPeer&) {
         return std::string(
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{");
       },
       "hung up before its answer was whole"},
  };
  for (const auto& [make, words] : cases) {
    McpPeer peer;
    peer.add();
    peer.tools.specs();
    peer.on_call = [&](const JsonValue&) { return make(peer); };
    const ToolResult result = peer.tools.call("echo", "{}");
    CHECK(result.is_error);
    CHECK_EQ(result.content, "The server \"peer\" " + words + '.');
    CHECK_EQ(peer.count("tools/call"), 1u);
  }
}

TEST_CASE(mcp_stream_that_is_cut_is_asked_for_on) {
  McpPeer peer;
  peer.add();
  peer.tools.specs();
  peer.on_call = [](const JsonValue&) { return events("id: ev-1\nretry: 100\ndata:\n\n"); };
  int gets = 0;
  peer.on_get = [&](const Request& request) {
    CHECK_EQ(request.header("Last-Event-ID"), "ev-1");
    if (++gets == 1) return events(": nothing yet\n\n");
    return events(event(peer.result(McpPeer::text_result("late"))));
  };
  ToolWorld::Running& running = peer.tools.begin("echo", "{}");
  for (int want = 1; want <= 2; ++want) {
    for (int turns = 0; turns < 10'000 && gets < want; ++turns) {
      peer.server.pump();
      peer.tools.world.step();
      if (peer.count("tools/call") == 1) peer.tools.world.loop.advance_ms(1);
    }
  }
  peer.tools.until([&] { return running.result.has_value(); });
  CHECK(!running.result->is_error);
  CHECK_EQ(running.result->content, "late");
  CHECK_EQ(peer.count("tools/call"), 1u);
}

TEST_CASE(mcp_call_that_is_stopped_is_called_off) {
  McpPeer peer;
  peer.add();
  peer.tools.specs();
  peer.on_call = [](const JsonValue&) { return std::string(); };
  ToolWorld::Running& running = peer.tools.begin("echo", "{}");
  peer.tools.until([&] { return peer.count("tools/call") == 1; });
  const std::string id = peer.id;
  running.scope.request();
  peer.tools.until([&] { return running.result && peer.count("notifications/cancelled") == 1; });
  CHECK(has(peer.server.requests.back().body, R"("params":{"requestId":)" + id + ','));
}

TEST_CASE(mcp_call_goes_out_once_however_its_connection_ends) {
  McpPeer peer;
  peer.add();
  peer.tools.specs();
  CHECK(peer.tools.world.client->pooled_count() > 0);
  // Takes the call and hangs up without a byte.
  peer.on_call = [](const JsonValue&) { return std::string(RouteServer::kHangUp); };
  const ToolResult result = peer.tools.call("echo", "{}");
  CHECK(result.is_error);
  CHECK_EQ(peer.count("tools/call"), 1u);
}

TEST_CASE(mcp_calls_of_many_runs_share_one_session) {
  McpPeer peer;
  peer.add();
  peer.tools.specs();
  ++peer.sessions;
  std::vector<ToolWorld::Running*> running;
  for (int i = 0; i < 20; ++i) running.push_back(&peer.tools.begin("echo", R"({"m":"x"})"));
  for (ToolWorld::Running* one : running) {
    peer.tools.until([&] { return one->result.has_value(); });
    CHECK(!one->result->is_error);
  }
  CHECK_EQ(peer.count("initialize"), 2u);
}

TEST_CASE(mcp_server_on_a_private_address_has_to_be_allowed) {
  McpPeer peer;
  std::string complaint;
  const auto config = parse_tools_config(R"({"mcp":[{"name":"p","url":")" + peer.server.url("/") + "\"}]}",
                                         McpPeer::Secrets(), complaint);
  peer.tools.toolbox.add(
      std::make_unique<McpServer>(peer.tools.world.loop, *peer.tools.world.client, config->mcp.at(0)));
  CHECK(peer.tools.specs().empty());
  CHECK(peer.server.requests.empty());
}

TEST_CASE(mcp_stream_given_to_a_notification_is_not_waited_for) {
  McpPeer peer;
  peer.accepted_answer = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  peer.add();
  CHECK_EQ(peer.tools.specs().size(), 2u);
}

TEST_CASE(mcp_server_without_sessions_is_sent_no_session) {
  McpPeer peer;
  peer.session_header.clear();
  peer.initialize_fields = "Content-Type: application/json\r\n";
  peer.add();
  CHECK_EQ(peer.tools.specs().size(), 2u);
  CHECK(!peer.tools.call("echo", "{}").is_error);
  peer.tools.close();
  for (const Request& request : peer.server.requests) {
    CHECK_EQ(request.method, "POST");
    CHECK_EQ(request.header("Mcp-Session-Id"), "");
  }
}

TEST_CASE(mcp_version_that_is_not_known_is_refused) {
  McpPeer peer;
  peer.initialize_result = R"({"protocolVersion":"1999-01-01","capabilities":{}})";
  peer.add();
  CHECK(peer.tools.specs().empty());
  CHECK_EQ(peer.count("tools/list"), 0u);
}

TEST_CASE(mcp_list_of_any_shape_is_survived_and_bounded) {
  std::string many;
  for (int i = 0; i < 300; ++i) many += "{\"name\":\"t" + std::to_string(i) + "\"},";
  const std::pair<std::string, size_t> cases[] = {
      {R"({"tools":[]})", 0},
      {R"({})", 0},
      {R"({"tools":{"name":"x"}})", 0},
      {R"({"tools":[null,1,"x",{},{"name":7},{"name":""},{"name":"ok","description":7,"inputSchema":[]}]})", 1},
      {R"({"tools":[{"name":"a b"},{"name":"a.b"}]})", 1},
      {R"({"tools":[{"name":"big","inputSchema":{"x":")" + std::string(20'000, 'x') + R"("}}]})", 0},
      {R"({"tools":[)" + many + R"({"name":"last"}]})", Toolbox::kToolsMax},
      {R"({"tools":[{"name":"x"}],"nextCursor":"again"})", 1},
  };
  for (const auto& [list, count] : cases) {
    McpPeer peer;
    peer.on_list = [&](const JsonValue&) { return peer.json_answer(peer.result(list)); };
    peer.add();
    const std::vector<ToolSpec> specs = peer.tools.specs();
    CHECK_EQ(specs.size(), count);
    for (const ToolSpec& spec : specs) CHECK(upstream::is_tool_name(spec.name));
    CHECK(peer.count("tools/list") <= McpServer::kPagesMax);
  }
}

TEST_CASE(mcp_secret_that_a_server_repeats_is_not_shown) {
  McpPeer peer;
  peer.add("peer", R"(,"headers":{"X-Key":{"file":"x"}})");
  peer.tools.specs();
  peer.on_call = [&](const JsonValue&) {
    return peer.json_answer(peer.result(McpPeer::text_result("key mcp-s3cret!")));
  };
  CHECK_EQ(peer.tools.call("echo", "{}").content, "key [secret]!");
  peer.on_call = [](const JsonValue&) { return answer("403 No", R"({"error":{"message":"bad mcp-s3cret"}})"); };
  const ToolResult refused = peer.tools.call("echo", "{}");
  CHECK(has(refused.content, "[secret]") && !has(refused.content + refused.summary, "mcp-s3cret"));
}

TEST_CASE(mcp_content_of_every_kind_becomes_text) {
  const JsonDocument document = CHECK_OK(JsonDocument::parse(
      R"({"content":[{"type":"text","text":"one"},{"type":"image","data":"AAAA","mimeType":"image/png"},{"type":"audio","data":"AAAA"},)"
      R"({"type":"resource","resource":{"uri":"file:///a","text":"inside"}},{"type":"resource","resource":{"uri":"file:///b","blob":"AAAA"}},)"
      R"({"type":"resource_link","uri":"file:///c","name":"C","description":"d"},{"type":"new"},null,7],"structuredContent":{"a":1}})"));
  const ToolResult result = read_mcp_result(document.root(), "t");
  CHECK(!result.is_error);
  CHECK_EQ(result.content,
           "one\n[image, image/png, not shown]\n[audio, not shown]\nResource file:///a:\ninside\nResource "
           "file:///b:\n[binary data, not shown]\n"
           "Link to a resource: file:///c (C): d\n[content of an unknown type, not shown]\n[content of an unknown "
           "type, not shown]\n"
           "[content of an unknown type, not shown]");
  const auto read = [](std::string_view json) {
    const JsonDocument parsed = CHECK_OK(JsonDocument::parse(json));
    return read_mcp_result(parsed.root(), "t");
  };
  CHECK_EQ(read(R"({"content":[],"structuredContent":{"a":1}})").content, R"({"a":1})");
  CHECK_EQ(read(R"({"content":null})").content, "The tool gave no text.");
  CHECK(read(R"({"content":[{"type":"text","text":"no"}],"isError":true})").is_error);
  CHECK_EQ(read(R"({"isError":true})").content, "The tool failed and did not say why.");
}

TEST_CASE(mcp_messages_are_told_apart) {
  const auto kind = [](std::string_view json) {
    const JsonDocument document = CHECK_OK(JsonDocument::parse(json));
    return mcp_kind(document.root());
  };
  CHECK(kind(R"({"id":1,"result":{}})") == McpKind::result);
  CHECK(kind(R"({"id":1,"error":{}})") == McpKind::error);
  CHECK(kind(R"({"id":"a","method":"m"})") == McpKind::request);
  CHECK(kind(R"({"method":"m"})") == McpKind::notification);
  for (const char* bad :
       {"{}", "[]", "null", R"({"id":1})", R"({"id":1,"result":7})", R"({"result":{}})", R"({"id":{},"result":{}})"})
    CHECK(kind(bad) == McpKind::invalid);
}

TEST_CASE(toolbox_is_made_from_a_configuration) {
  ToolWorld tools;
  std::string complaint;
  const auto config = parse_tools_config(
      R"({"ifixit":true,"http":[{"name":"h","description":"d","url":"https://h.example/"}],"mcp":[{"name":"m","url":"https://h.example/"}]})",
      McpPeer::Secrets(), complaint);
  const auto toolbox = make_toolbox(*config, tools.world.loop, *tools.world.client);
  for (const char* name : {"ifixit_search_guides", "ifixit_get_guide", "ifixit_get_device", "h"})
    CHECK(toolbox->find(name) != nullptr);
  CHECK(make_toolbox(ToolsConfig(), tools.world.loop, *tools.world.client)->is_empty());
}

}  // namespace
}  // namespace bobbin::tools::test
