#include "src/upstream/model_ids.h"

#include "src/upstream/model.h"
#include "tests/support/test.h"

// The list of models as servers give it, and as anything else might.
namespace bobbin::upstream {
namespace {

using Ids = std::vector<std::string>;

TEST_CASE(ids_come_in_the_servers_order_each_once) {
  CHECK(CHECK_OK(parse_model_ids(200, R"({"data":[{"id":"b"},{"id":"a","object":"model"},{"id":"b"}]})")) ==
        Ids({"b", "a"}));
  CHECK(CHECK_OK(parse_model_ids(200, R"({"object":"list","data":null})")).empty());
  CHECK(CHECK_OK(parse_model_ids(200, R"({"data":[]})")).empty());
}

TEST_CASE(what_is_no_model_is_left_out_and_the_list_has_an_end) {
  CHECK(CHECK_OK(parse_model_ids(
            200, R"({"data":[1,"x",null,[],{},{"id":1},{"id":""},{"id":"a\u0000"},{"id":"ok"}]})")) == Ids({"ok"}));
  CHECK(CHECK_OK(parse_model_ids(200, "{\"data\":[{\"id\":\"" + std::string(257, 'x') + "\"}]}")).empty());
  std::string body = "{\"data\":[";
  for (size_t i = 0; i < 2 * kModelsMax; ++i)
    body += (i == 0 ? "{\"id\":\"m" : ",{\"id\":\"m") + std::to_string(i) + "\"}";
  CHECK_EQ(CHECK_OK(parse_model_ids(200, body + "]}")).size(), kModelsMax);
}

TEST_CASE(anything_else_is_a_refusal) {
  for (const std::string_view body : {"", "{", "[]", "null", "{}", R"({"data":{}})", R"({"data":7})", "<html>", "\xff"})
    CHECK_FAILS(parse_model_ids(200, body), Code::upstream_rejected);
  CHECK_FAILS(parse_model_ids(401, R"({"data":[]})"), Code::upstream_rejected);
  CHECK_FAILS(parse_model_ids(503, R"({"data":[]})"), Code::upstream_unavailable);
  const std::string whole = R"({"data":[{"id":"a"},{"id":"b"}]})";
  for (size_t bytes = 0; bytes < whole.size(); ++bytes)
    CHECK_FAILS(parse_model_ids(200, std::string_view(whole).substr(0, bytes)), Code::upstream_rejected);
}

}  // namespace
}  // namespace bobbin::upstream
