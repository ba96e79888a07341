#include "src/api/router.h"

#include "proto_http/url.h"
#include "src/api/problem.h"
#include "src/base/limits.h"
#include "tests/support/test.h"

namespace bobbin::api {
namespace {

RouteMatch find(http::Method method, std::string_view path) {
  const std::vector<std::string> segments = CHECK_OK(http::split_path(path));
  return match_route(method, segments);
}

TEST_CASE(a_route_is_found_by_method_and_whole_path) {
  CHECK(find(http::Method::post, "/chat/stream").route != nullptr);
  CHECK(find(http::Method::get, "/").route != nullptr);
  CHECK(find(http::Method::head, "/health").route != nullptr);
  for (const char* path : {"/chat", "/chat/", "/chat/stream/", "/chat//stream", "/CHAT/stream", "/chat/stream/x", "//",
                           "/chat/./stream", "/chat/x/../stream", "/chat%2Fstream"}) {
    const RouteMatch match = find(http::Method::post, path);
    CHECK(match.route == nullptr);
    CHECK_EQ(match.allow, "");
  }
}

TEST_CASE(another_method_is_told_which_ones_there_are) {
  CHECK_EQ(find(http::Method::put, "/chat/history").allow, "GET, HEAD, DELETE, OPTIONS");
  CHECK_EQ(find(http::Method::put, "/chat/stream").allow, "POST, GET, HEAD, OPTIONS");
}

TEST_CASE(captured_segments_are_decoded_and_never_empty) {
  const RouteMatch match = find(http::Method::get, "/chat/sessions/a%2Fb%20%C3%A4/queue");
  CHECK(match.route != nullptr);
  CHECK_EQ(match.captured.at(0), "a/b \xc3\xa4");
  CHECK(find(http::Method::get, "/chat/sessions//queue").route == nullptr);
  CHECK(find(http::Method::get, "/chat/sessions/%ff/queue").route == nullptr);
}

TEST_CASE(every_route_is_reached_by_its_own_pattern) {
  for (const Route& route : routes()) {
    std::string path(route.pattern);
    for (size_t open = path.find('{'); open != std::string::npos; open = path.find('{'))
      path.replace(open, path.find('}') - open + 1, "x");
    CHECK_EQ(find(route.method, path).route, &route);
  }
}

TEST_CASE(every_code_has_a_status_and_inner_failures_tell_nothing) {
  for (int code = 0; code <= static_cast<int>(Code::internal); ++code) {
    const uint16_t status = status_of(static_cast<Code>(code));
    CHECK(status >= 400 && status <= 599);
  }
  const net::Response inner = problem(Error(Code::corrupt, 5, "key of somebody"));
  CHECK_EQ(inner.status, 500);
  CHECK(inner.body.find("somebody") == std::string::npos);
  CHECK(inner.body.find("corrupt") == std::string::npos);
  const net::Response busy = problem(Error(Code::busy, 0, "a run is active"));
  CHECK_EQ(busy.status, 409);
  CHECK(busy.body.find(R"("detail":"a run is active","code":"busy")") != std::string::npos);
}

TEST_CASE(thread_ids_have_1_to_128_bytes_without_controls) {
  CHECK_OK(check_thread_id("x"));
  CHECK_OK(check_thread_id(std::string(128, 'x')));
  CHECK_FAILS(check_thread_id(""), Code::invalid);
  CHECK_FAILS(check_thread_id(std::string(129, 'x')), Code::invalid);
  CHECK_FAILS(check_thread_id("a\x7f"), Code::invalid);
}

}  // namespace
}  // namespace bobbin::api
