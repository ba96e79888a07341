#include "src/tools/ifixit_fields.h"

#include "proto_http/url.h"
#include "src/tools/clip.h"
#include "src/tools/ifixit_text.h"

namespace bobbin::tools {
namespace {

constexpr size_t kUrlBytesMax = 500;

}  // namespace

std::string field_line(const JsonValue& value) {
  if (value.kind() == JsonValue::Kind::number) return value.to_json();
  return to_status_line(strip_wiki_markup(value.text().substr(0, size_t{4} * 1024)));
}

std::string web_url(const JsonValue& value) {
  std::string url(value.text());
  if (url.size() > kUrlBytesMax) return {};
  if (url.starts_with("//")) {
    url.insert(0, "https:");
  } else if (url.starts_with('/')) {
    url.insert(0, "https://www.ifixit.com");
  }
  return http::parse_url(url) ? url : std::string();
}

std::string duration_words(const JsonValue& seconds) {
  const int64_t minutes = seconds.integer().value_or(0) / 60;
  if (minutes <= 0 || minutes > int64_t{60} * 24 * 30) return {};
  if (minutes < 120) return std::to_string(minutes) + (minutes == 1 ? " minute" : " minutes");
  return std::to_string(minutes / 60) + " hours" +
         (minutes % 60 == 0 ? std::string() : " " + std::to_string(minutes % 60) + " minutes");
}

}  // namespace bobbin::tools
