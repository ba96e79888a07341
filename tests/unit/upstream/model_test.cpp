#include "src/loop/spawn.h"
#include "src/upstream/auto_model.h"
#include "src/upstream/openai_model.h"
#include "tests/support/test.h"
#include "tests/unit/net/client_world.h"
#include "tests/unit/upstream/recorder.h"

// The models that talk to a server, against scripted servers on real loopback sockets. One thread, a stepped clock.
namespace bobbin::upstream {
namespace {

using net::test::PeerConnection;
using net::test::PeerListener;
using net::test::World;

// One question to a model and what became of it.
struct Question {
  Gate gate;
  CancelScope scope;
  Recorder recorder;
  std::optional<Result<Answer>> result;
  bool is_aside = false;

  Task<void> run(Model& model) {
    Prompt prompt{.model = "", .messages = {{Role::user, "naïve \"question\""}}};
    prompt.is_aside = is_aside;
    result = co_await model.stream(std::move(prompt), recorder, scope);
  }
  void ask(Model& model) { spawn(gate, run(model)); }
  Result<Answer> wait(World& world) {
    world.until([this] { return result.has_value(); });
    return *result;
  }
};

OpenaiModelOptions options_for(const PeerListener& server) {
  OpenaiModelOptions options;
  options.endpoints = CHECK_OK(parse_upstream_url(server.url()));
  options.model = "m1";
  options.api_key = "sk-secret";
  return options;
}

std::string chunked(std::string_view body) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", body.size());
  return size + std::string(body) + "\r\n";
}
constexpr std::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view kHello = "data: {\"model\":\"m1\",\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}\n\n";
constexpr std::string_view kStop = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
constexpr std::string_view kDone = "data: [DONE]\n\n";

std::string fixed(std::string_view status, std::string_view body) {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

Task<void> search(AutoModel& model, CancelScope& scope) {
  if (!co_await model.search_once(scope)) co_await model.search_on(scope);
}

TEST_CASE(answer_streams_and_its_connection_is_kept) {
  World world;
  PeerListener server(world);
  OpenaiModel model(world.loop, *world.client, options_for(server));
  Question question;
  question.ask(model);
  PeerConnection peer = server.accept();
  const std::string request = peer.read_request();
  CHECK(request.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"));
  CHECK(request.find("Authorization: Bearer sk-secret\r\n") != std::string::npos);
  CHECK(request.ends_with(
      R"({"model":"m1","messages":[{"role":"user","content":"naïve \"question\""}],"stream":true,"stream_options":{"include_usage":true}})"));
  peer.send(kStreamHead);
  peer.send(chunked(kHello));
  world.until([&] { return question.recorder.text() == "Hello"; });
  CHECK(!question.result.has_value());
  peer.send(chunked(kStop) + chunked(kDone) + "0\r\n\r\n");
  const Answer answer = CHECK_OK(question.wait(world));
  CHECK_EQ(answer.finish_reason, "stop");
  CHECK_EQ(answer.model, "m1");
  CHECK_EQ(world.client->pooled_count(), 1u);
}

TEST_CASE(answer_in_one_document_is_taken) {
  World world;
  PeerListener server(world);
  OpenaiModel model(world.loop, *world.client, options_for(server));
  Question question;
  question.ask(model);
  PeerConnection peer = server.accept();
  peer.read_request();
  peer.send(fixed("200 OK", R"({"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]})"));
  CHECK_OK(question.wait(world));
  CHECK_EQ(question.recorder.text(), "Hi");
}

TEST_CASE(refusals_keep_their_status) {
  const std::pair<std::string_view, Code> cases[] = {{"401 Unauthorized", Code::upstream_rejected},
                                                     {"404 Not Found", Code::upstream_rejected},
                                                     {"307 Temporary Redirect", Code::upstream_rejected},
                                                     {"429 Too Many Requests", Code::upstream_unavailable},
                                                     {"503 Service Unavailable", Code::upstream_unavailable}};
  for (const auto& [status, code] : cases) {
    World world;
    PeerListener server(world);
    OpenaiModel model(world.loop, *world.client, options_for(server));
    Question question;
    question.ask(model);
    PeerConnection peer = server.accept();
    peer.read_request();
    peer.send(fixed(status, R"({"error":{"message":"why","code":1}})"));
    const Result<Answer> result = question.wait(world);
    CHECK_FAILS(result, code);
    CHECK_EQ(result.error().number, std::stoi(std::string(status)));
  }
}

TEST_CASE(refusal_that_never_ends_is_waited_for_2_seconds) {
  World world;
  PeerListener server(world);
  OpenaiModel model(world.loop, *world.client, options_for(server));
  Question question;
  question.ask(model);
  PeerConnection peer = server.accept();
  peer.read_request();
  peer.send("HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\n{\"err");
  world.settle();
  world.loop.advance_ms(1'999);
  CHECK(!question.result.has_value());
  world.loop.advance_ms(1);
  const Result<Answer> result = question.wait(world);
  CHECK_FAILS(result, Code::upstream_unavailable);
  CHECK_EQ(result.error().number, 500);
}

TEST_CASE(failure_of_a_prompt_aside_says_nothing_of_the_server) {
  World world;
  PeerListener server(world);
  OpenaiModelOptions options = options_for(server);
  options.health = std::make_shared<std::atomic<ServerHealth>>(ServerHealth::answers);
  OpenaiModel model(world.loop, *world.client, options);
  for (const bool is_aside : {true, false}) {
    Question question;
    question.is_aside = is_aside;
    question.ask(model);
    PeerConnection peer = server.accept();
    peer.read_request();
    peer.send(fixed("400 Bad Request", "{}"));
    CHECK_FAILS(question.wait(world), Code::upstream_rejected);
    CHECK_EQ(model.state().failing, !is_aside);
  }
}

TEST_CASE(nobody_there_is_unavailable) {
  World world;
  std::optional<PeerListener> server(std::in_place, world);
  OpenaiModel model(world.loop, *world.client, options_for(*server));
  server.reset();
  Question question;
  question.ask(model);
  CHECK_FAILS(question.wait(world), Code::upstream_unavailable);
}

TEST_CASE(cut_answer_is_unavailable_and_keeps_what_came) {
  World world;
  PeerListener server(world);
  OpenaiModel model(world.loop, *world.client, options_for(server));
  Question question;
  question.ask(model);
  PeerConnection peer = server.accept();
  peer.read_request();
  peer.send(std::string(kStreamHead) + chunked(kHello));
  peer.close();
  CHECK_FAILS(question.wait(world), Code::upstream_unavailable);
  CHECK_EQ(question.recorder.text(), "Hello");
}

TEST_CASE(answer_that_is_whole_counts_however_its_connection_ends) {
  for (const std::string_view rest : {"", "data: {\"cho", "data: [DONE]\n\n"}) {
    World world;
    PeerListener server(world);
    OpenaiModel model(world.loop, *world.client, options_for(server));
    Question question;
    question.ask(model);
    PeerConnection peer = server.accept();
    peer.read_request();
    peer.send(std::string(kStreamHead) + chunked(kHello) + chunked(kStop) + (rest.empty() ? "" : chunked(rest)));
    peer.close();
    CHECK_EQ(CHECK_OK(question.wait(world)).finish_reason, "stop");
  }
}

TEST_CASE(server_that_holds_the_connection_after_the_end_is_left) {
  const std::pair<std::string_view, uint64_t> cases[] = {{kDone, 200}, {"", 3'000}};
  for (const auto& [rest, ms] : cases) {
    World world;
    PeerListener server(world);
    OpenaiModel model(world.loop, *world.client, options_for(server));
    Question question;
    question.ask(model);
    PeerConnection peer = server.accept();
    peer.read_request();
    peer.send(std::string(kStreamHead) + chunked(std::string(kHello) + std::string(kStop) + std::string(rest)));
    world.until([&] { return !question.recorder.deltas.empty(); });
    world.settle();
    world.loop.advance_ms(ms - 1);
    CHECK(!question.result.has_value());
    world.loop.advance_ms(1);
    CHECK_OK(question.wait(world));
    CHECK_EQ(world.client->pooled_count(), 0u);
  }
}

TEST_CASE(silence_is_a_timeout) {
  for (const bool after_head : {false, true}) {
    World world;
    PeerListener server(world);
    OpenaiModel model(world.loop, *world.client, options_for(server));
    Question question;
    question.ask(model);
    PeerConnection peer = server.accept();
    peer.read_request();
    if (after_head) peer.send(std::string(kStreamHead) + chunked(kHello));
    if (after_head) world.until([&] { return !question.recorder.deltas.empty(); });
    world.settle();
    world.loop.advance_ms((after_head ? limits::kUpstreamIdleTimeoutMs : limits::kUpstreamFirstByteTimeoutMs) + 1);
    CHECK_FAILS(question.wait(world), Code::upstream_timeout);
  }
}

TEST_CASE(what_is_no_answer_is_rejected) {
  for (const std::string& answer : {fixed("200 OK", "data: {nonsense\n\n"), fixed("200 OK", "{\"error\":\"x\"}"),
                                    std::string("SSH-2.0-x\r\n\r\n")}) {
    World world;
    PeerListener server(world);
    OpenaiModel model(world.loop, *world.client, options_for(server));
    Question question;
    question.ask(model);
    PeerConnection peer = server.accept();
    peer.read_request();
    peer.send(answer);
    CHECK_FAILS(question.wait(world), Code::upstream_rejected);
  }
}

TEST_CASE(cancelling_closes_the_socket_and_the_sink) {
  World world;
  PeerListener server(world);
  OpenaiModel model(world.loop, *world.client, options_for(server));
  Question question;
  question.ask(model);
  PeerConnection peer = server.accept();
  peer.read_request();
  peer.send(std::string(kStreamHead) + chunked(kHello));
  world.until([&] { return !question.recorder.deltas.empty(); });
  question.scope.request();
  CHECK_FAILS(question.wait(world), Code::cancelled);
  world.until([&] { return peer.is_closed_by_client(); });
  CHECK_EQ(question.recorder.deltas.size(), 1u);
}

// Asks its scope to stop as soon as the first piece comes.
struct StoppingSink final : DeltaSink {
  explicit StoppingSink(CancelScope& scope_in) : scope(scope_in) {}
  void on_delta(const Delta&) noexcept override {
    ++count;
    scope.request();
  }
  CancelScope& scope;
  int count = 0;
};

Task<void> stream_into(Model& model, DeltaSink& sink, CancelScope& scope, std::optional<Result<Answer>>& result) {
  result = co_await model.stream({.model = "", .messages = {}}, sink, scope);
}

TEST_CASE(nothing_more_comes_after_a_sink_has_stopped_the_run) {
  World world;
  PeerListener server(world);
  OpenaiModel model(world.loop, *world.client, options_for(server));
  Gate gate;
  CancelScope scope;
  StoppingSink sink(scope);
  std::optional<Result<Answer>> result;
  spawn(gate, stream_into(model, sink, scope, result));
  PeerConnection peer = server.accept();
  peer.read_request();
  peer.send(std::string(kStreamHead) +
            chunked(std::string(kHello) + std::string(kHello) + std::string(kStop) + std::string(kDone)));
  world.until([&] { return result.has_value(); });
  CHECK_FAILS(*result, Code::cancelled);
  CHECK_EQ(sink.count, 1);
}

TEST_CASE(api_key_is_cleaned_and_checked) {
  CHECK_EQ(CHECK_OK(clean_api_key(" sk-1\r\n")), "sk-1");
  for (const std::string_view bad : {"", "\n", "a b", "a\nb", "caf\xc3\xa9"})
    CHECK_FAILS(clean_api_key(bad), Code::invalid);
}

constexpr std::string_view kModels = R"({"object":"list","data":[{"id":"llama3.2:latest"}]})";

TEST_CASE(search_finds_the_first_usable_server_and_stays_with_it) {
  World world;
  PeerListener other(world);
  PeerListener ollama(world);
  const LocalServer servers[] = {{"Other", other.port()}, {"Ollama", ollama.port()}};
  FoundServerBoard board;
  AutoModel model(world.loop, *world.client, board, {.servers = servers});
  Gate gate;
  CancelScope scope;
  CHECK_EQ(model.state().name, "offline");
  spawn(gate, search(model, scope));

  PeerConnection first = other.accept();
  const std::string request = first.read_request();
  CHECK(request.starts_with("GET /v1/models HTTP/1.1\r\n"));
  CHECK(request.find("Authorization") == std::string::npos);
  first.send("HTTP/1.1 200 OK\r\nServer: bobbin\r\nContent-Length: " + std::to_string(kModels.size()) + "\r\n\r\n" +
             std::string(kModels));
  PeerConnection second = ollama.accept();
  second.read_request();
  second.send(fixed("200 OK", kModels));
  world.until([&] { return gate.count() == 0; });
  CHECK_EQ(board.read()->name, "Ollama");
  CHECK_EQ(model.state().model, "llama3.2:latest");
  CHECK(model.state().language_model);

  Question question;
  question.ask(model);
  const std::string asked = second.read_request();
  CHECK(asked.find("\"model\":\"llama3.2:latest\"") != std::string::npos);
  second.send(fixed("200 OK", std::string(kHello) + std::string(kStop) + std::string(kDone)));
  CHECK_OK(question.wait(world));
  CHECK_EQ(question.recorder.text(), "Hello");
}

TEST_CASE(search_looks_again_after_its_interval) {
  World world;
  PeerListener server(world);
  const LocalServer servers[] = {{"Ollama", server.port()}};
  FoundServerBoard board;
  AutoModel model(world.loop, *world.client, board, {.servers = servers});
  Gate gate;
  CancelScope scope;
  spawn(gate, search(model, scope));
  {
    PeerConnection peer = server.accept();
    peer.read_request();
    peer.send(fixed("404 Not Found", "no"));
    world.settle();
  }
  world.settle();
  CHECK_EQ(gate.count(), 1u);
  CHECK(!server.has_client());
  world.loop.advance_ms(30'000);
  PeerConnection peer = server.accept();
  peer.read_request();
  peer.send(fixed("200 OK", kModels));
  world.until([&] { return gate.count() == 0; });
  CHECK(board.read().has_value());
}

TEST_CASE(search_gives_up_on_a_silent_server_and_ends_when_asked) {
  World world;
  PeerListener server(world);
  const LocalServer servers[] = {{"Silent", server.port()}};
  FoundServerBoard board;
  AutoModel model(world.loop, *world.client, board, {.servers = servers});
  Gate gate;
  CancelScope scope;
  spawn(gate, search(model, scope));
  PeerConnection peer = server.accept();
  peer.read_request();
  world.loop.advance_ms(3'000);
  world.until([&] { return peer.is_closed_by_client(); });
  CHECK_EQ(gate.count(), 1u);
  scope.request();
  CHECK_EQ(gate.count(), 0u);
  CHECK(!board.read().has_value());
}

TEST_CASE(built_in_answer_is_given_until_a_server_is_found) {
  World world;
  FoundServerBoard board;
  AutoModel model(world.loop, *world.client, board, {});
  Question question;
  question.ask(model);
  while (!question.result) world.loop.advance_ms(4);
  CHECK(question.recorder.text().find("not a language model") != std::string::npos);
}

}  // namespace
}  // namespace bobbin::upstream
