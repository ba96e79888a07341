#include "src/upstream/local_probe.h"

#include "tests/support/test.h"

// Answers as the usual servers give them, and as something that listens on their ports might.
namespace bobbin::upstream {
namespace {

ProbeVerdict verdict(std::string_view body, std::string_view server = "", int32_t status = 200) {
  const Judgement judgement = judge_models_answer(status, server, body);
  CHECK_EQ(judgement.verdict == ProbeVerdict::usable, !judgement.model.empty());
  return judgement.verdict;
}
std::string model(std::string_view body) { return judge_models_answer(200, "", body).model; }

constexpr char kOllama[] =
    R"({"object":"list","data":[{"id":"nomic-embed-text:latest","object":"model","created":1,"owned_by":"library"},)"
    R"({"id":"llama3.2:latest","object":"model","created":1,"owned_by":"library"},{"id":"qwen3:4b","object":"model"}]})";

TEST_CASE(first_model_that_can_chat_is_taken) {
  CHECK_EQ(model(kOllama), "llama3.2:latest");
  CHECK_EQ(model(R"({"data":[{"id":"/models/Qwen3-4B.gguf","owned_by":"llamacpp"}],"models":[]})"),
           "/models/Qwen3-4B.gguf");
}

TEST_CASE(servers_have_the_usual_ports) {
  CHECK_EQ(usual_local_servers().size(), 4u);
  CHECK_EQ(usual_local_servers()[0].port, 11434);
}

TEST_CASE(another_bobbin_is_never_taken) {
  for (const std::string_view server : {"bobbin", "Bobbin", "bobbin/0.1.0", "BOBBIN (x)"}) {
    CHECK(verdict(kOllama, server) == ProbeVerdict::another_bobbin);
    CHECK(verdict("", server, 401) == ProbeVerdict::another_bobbin);
  }
  CHECK(verdict(R"({"data":[{"id":"llama"},{"id":"x","owned_by":"Bobbin"}]})") == ProbeVerdict::another_bobbin);
  CHECK(verdict(kOllama, "bobbins") == ProbeVerdict::usable);
}

TEST_CASE(list_without_a_chat_model_is_no_model) {
  for (const std::string_view body :
       {R"({"object":"list","data":[]})", R"({"object":"list","data":null})", R"({"data":[{"id":"bge-m3"}]})",
        R"({"data":[{"id":""},{"id":7},{},{"id":"a\u0000b"},{"id":"a\nb"}]})"}) {
    CHECK(verdict(body) == ProbeVerdict::no_model);
  }
  CHECK(verdict("{\"data\":[{\"id\":\"" + std::string(257, 'x') + "\"}]}") == ProbeVerdict::no_model);
}

TEST_CASE(anything_else_is_not_a_model_server) {
  for (const std::string_view body :
       {"", "{}", "[]", "null", "hello", "<html></html>", R"({"data":{}})", R"({"data":null})", R"({"data":[1]})",
        R"({"data":["llama"]})", R"({"data":[{"id":"x"})", R"({"object":"list"})", "\xff"}) {
    CHECK(verdict(body) == ProbeVerdict::not_a_model_server);
  }
  for (const int32_t status : {0, 204, 301, 401, 404, 500})
    CHECK(verdict(kOllama, "", status) == ProbeVerdict::not_a_model_server);
  CHECK(verdict(std::string(100'000, '[')) == ProbeVerdict::not_a_model_server);
  const std::string whole = kOllama;
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    CHECK(verdict(std::string_view(whole).substr(0, bytes)) == ProbeVerdict::not_a_model_server);
  }
}

}  // namespace
}  // namespace bobbin::upstream
