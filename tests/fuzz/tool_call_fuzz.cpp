// What a model's arguments meet: JSON, a tool's schema and its URL template. Input: the template, the schema and the
// arguments, one a line. Whatever they are, the call goes to the template's own server, and no argument reaches beyond
// its place.

#include <algorithm>
#include <string>

#include "src/tools/arguments.h"
#include "src/tools/json_value.h"
#include "src/tools/url_template.h"
#include "tests/fuzz/support/fuzz.h"

namespace bobbin::fuzz {
namespace {

using tools::JsonDocument;
using tools::JsonValue;
using tools::UrlTemplate;

void check_document(const JsonDocument& document) {
  const std::string text = document.root().to_json();
  Result<JsonDocument> again = JsonDocument::parse(text);
  FUZZ_CHECK(again.has_value() && again->root().to_json() == text);
  for (const auto& [name, value] : document.root().fields()) {
    touch(name);
    FUZZ_CHECK(!document.root()[name].is_absent());
    touch(tools::argument_text(value).value_or(""));
  }
  FUZZ_CHECK(document.root()["no such name"].operator[]("nor this").is_absent() || document.root().is_object());
}

size_t count_of(std::string_view text, char c) {
  size_t count = 0;
  for (const char each : text) count += each == c ? 1 : 0;
  return count;
}

void check_template(std::string_view text, const JsonValue& arguments) {
  std::string complaint;
  const std::optional<UrlTemplate> url_template = UrlTemplate::parse(text, complaint);
  if (!url_template) {
    FUZZ_CHECK(!complaint.empty());
    return;
  }
  const std::optional<http::Url> url = url_template->expand(arguments, complaint);
  if (!url) {
    FUZZ_CHECK(!complaint.empty());
    return;
  }
  FUZZ_CHECK(url->target().size() <= UrlTemplate::kTargetBytesMax);
  // As without any argument: the server, the segments, and no more parameters than were written down.
  const size_t authority_end = std::min(text.find_first_of("/?", text.find("://") + 3), text.size());
  const std::string_view path = text.substr(authority_end, text.find('?', authority_end) - authority_end);
  const Result<http::Url> base = http::parse_url(text.substr(0, authority_end));
  FUZZ_CHECK(base.has_value());
  FUZZ_CHECK(url->tls == base->tls && url->host == base->host && url->port == base->port);
  FUZZ_CHECK(count_of(url->path, '/') == std::max(count_of(path, '/'), size_t{1}));
  FUZZ_CHECK(count_of(url->query, '&') <= count_of(text, '&'));
  const std::string full = (url->tls ? "https://" : "http://") + url->authority() + url->target();
  const Result<http::Url> again = http::parse_url(full);
  FUZZ_CHECK(again.has_value() && *again == *url);
}

}  // namespace

void run(std::string_view input) {
  const size_t first = input.find('\n');
  const size_t second = first == std::string_view::npos ? first : input.find('\n', first + 1);
  if (second == std::string_view::npos) {
    if (const Result<JsonDocument> document = JsonDocument::parse(input)) check_document(*document);
    return;
  }
  const Result<JsonDocument> schema = JsonDocument::parse(input.substr(first + 1, second - first - 1));
  const Result<JsonDocument> arguments = JsonDocument::parse(input.substr(second + 1));
  if (schema) check_document(*schema);
  if (arguments) {
    check_document(*arguments);
    if (schema) touch(tools::find_argument_fault(schema->root(), arguments->root()).value_or(""));
    check_template(input.substr(0, first), arguments->root());
  }
}

}  // namespace bobbin::fuzz
