#include "src/api/router.h"

#include "src/api/handlers.h"
#include "src/base/text.h"
#include "web/assets.h"

namespace bobbin::api {
namespace {

using http::Method;

std::vector<Route> make_routes() {
  std::vector<Route> table = {
      {Method::post, "/chat/stream", Access::chat, post_chat_stream},
      {Method::get, "/chat/stream", Access::read, get_chat_stream},
      {Method::post, "/chat/stop", Access::chat, post_chat_stop},
      {Method::get, "/chat/events", Access::read, get_events},
      {Method::get, "/chat/history", Access::read, get_history},
      {Method::delete_, "/chat/history", Access::chat, delete_history},
      {Method::get, "/chat/models", Access::read, get_models},
      {Method::get, "/chat/sessions", Access::read, get_sessions},
      {Method::get, "/chat/sessions/{id}/queue", Access::read, get_queue},
      {Method::delete_, "/chat/sessions/{id}/queue/{run_id}", Access::chat, delete_queued},
      {Method::get, "/me/settings", Access::read, get_settings},
      {Method::patch, "/me/settings", Access::chat, patch_settings},
      {Method::post, "/auth/link", Access::open, post_login_link},
      {Method::post, "/auth/register", Access::open, post_register},
      {Method::post, "/auth/login", Access::open, post_login},
      {Method::post, "/auth/refresh", Access::open, post_refresh},
      {Method::post, "/auth/logout", Access::open, post_logout},
      {Method::get, "/auth/me", Access::read, get_me},
      {Method::delete_, "/auth/me", Access::person, delete_me},
      {Method::post, "/auth/password", Access::password, post_password},
      {Method::post, "/auth/keys", Access::person, post_api_key},
      {Method::get, "/auth/keys", Access::person, get_api_keys},
      {Method::delete_, "/auth/keys/{id}", Access::person, delete_api_key},
      {Method::get, "/admin/accounts", Access::admin, get_admin_accounts},
      {Method::patch, "/admin/accounts/{id}", Access::admin, patch_admin_account},
      {Method::delete_, "/admin/accounts/{id}", Access::admin, delete_admin_account},
      {Method::post, "/admin/invitations", Access::admin, post_invitation},
      {Method::get, "/admin/invitations", Access::admin, get_invitations},
      {Method::delete_, "/admin/invitations/{id}", Access::admin, delete_invitation},
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
