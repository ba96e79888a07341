#include "src/api/router.h"

#include "src/api/handlers.h"
#include "src/base/text.h"
#include "web/assets.h"

namespace bobbin::api {
namespace {

using http::Method;

std::vector<Route> make_routes() {
  std::vector<Route> table = {
      {Method::post, "/chat/stream", Access::user, post_chat_stream},
      {Method::get, "/chat/stream", Access::user, get_chat_stream},
      {Method::post, "/chat/stop", Access::user, post_chat_stop},
      {Method::get, "/chat/events", Access::user, get_events},
      {Method::get, "/chat/history", Access::user, get_history},
      {Method::delete_, "/chat/history", Access::user, delete_history},
      {Method::get, "/chat/models", Access::user, get_models},
      {Method::get, "/chat/sessions", Access::user, get_sessions},
      {Method::get, "/chat/sessions/{id}/queue", Access::user, get_queue},
      {Method::delete_, "/chat/sessions/{id}/queue/{run_id}", Access::user, delete_queued},
      {Method::get, "/me/settings", Access::user, get_settings},
      {Method::patch, "/me/settings", Access::user, patch_settings},
      {Method::post, "/auth/link", Access::open, post_login_link},
      {Method::get, "/health", Access::open, get_health},
      {Method::get, "/ready", Access::open, get_ready},
      {Method::get, "/metrics", Access::open, get_metrics},
  };
  for (const web::Asset& asset : web::assets()) table.push_back({Method::get, asset.path, Access::open, get_asset});
  return table;
}

// Whether `segments` fit `pattern`; fills `captured`.
bool match_pattern(std::string_view pattern, std::span<const std::string> segments,
                   std::vector<std::string>& captured) {
  captured.clear();
  pattern.remove_prefix(1);  // the leading slash
  size_t index = 0;
  while (!pattern.empty()) {
    const size_t slash = pattern.find('/');
    const std::string_view part = pattern.substr(0, slash);
    pattern = slash == std::string_view::npos ? std::string_view() : pattern.substr(slash + 1);
    if (index == segments.size()) return false;
    const std::string& segment = segments[index++];
    if (!part.starts_with('{')) {
      if (segment != part) return false;
    } else {
      if (segment.empty() || !is_utf8(segment)) return false;
      captured.push_back(segment);
    }
  }
  return index == segments.size();
}

void append_method(std::string& allow, const Route& route) {
  if (!allow.empty()) allow.append(", ");
  allow.append(http::method_name(route.method));
  if (route.method == Method::get) allow.append(", HEAD");
}

}  // namespace

std::span<const Route> routes() noexcept {
  static const std::vector<Route> table = make_routes();
  return table;
}

RouteMatch match_route(Method method, std::span<const std::string> segments) {
  const Method wanted = method == Method::head ? Method::get : method;
  RouteMatch match;
  for (const Route& route : routes()) {
    if (!match_pattern(route.pattern, segments, match.captured)) continue;
    if (route.method == wanted) {
      match.route = &route;
      return match;
    }
    append_method(match.allow, route);
  }
  if (!match.allow.empty()) match.allow.append(", OPTIONS");
  return match;
}

}  // namespace bobbin::api
