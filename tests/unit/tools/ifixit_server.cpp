#include "tests/unit/tools/ifixit_server.h"

#include "src/base/json.h"
#include "src/tools/ifixit_tools.h"

namespace bobbin::tools::test {

const std::string kGuideJson =
    R"({"guideid":42,"dataType":"guide","title":"iPhone 6 Battery Replacement","summary":"Replace it.",
"url":"https://www.ifixit.com/Guide/iPhone+6+Battery/42","type":"replacement","category":"iPhone 6","subject":"Battery",
"difficulty":"Moderate","time_required":"15 - 45 minutes","time_required_min":900,"time_required_max":2700,
"introduction_raw":"Before you ''begin'', discharge the battery.","introduction_rendered":"<p>Before you begin</p>",
"conclusion_raw":"Done.","conclusion_rendered":"<p>Done.</p>","image":{"id":1,"guid":"g","standard":"https://img.example/0.jpg"},
"parts":[{"type":"part","quantity":1,"text":"iPhone 6 Battery","notes":"new","url":"/p/1","thumbnail":"t","isoptional":false}],
"tools":[{"type":"tool","quantity":2,"text":"Spudger","notes":null,"url":"https://x.example/s","thumbnail":null,"isoptional":false}],
"prerequisites":[{"guideid":41,"title":"Opening the phone","url":"https://www.ifixit.com/Guide/41"}],
"flags":[{"flagid":"GUIDE_IN_PROGRESS","title":"In Progress","text":"Not complete"}],
"author":{"userid":7,"username":"Walter","url":"https://www.ifixit.com/User/7"},"langid":"en","revisionid":1234,
"modified_date":1700000000,"published_date":1600000000,"public":true,
"steps":[
{"stepid":103,"orderby":3,"title":"Close","lines":[
 {"lineid":6,"text_raw":"Close the [link|https://x.example/|case].","text_rendered":"Close the <a href=\"x\">case</a>.","level":0,"bullet":"black"},
 {"lineid":7,"text_raw":"CAUTION-THREE never bend the battery","text_rendered":"CAUTION-THREE never bend the battery","level":0,"bullet":"icon_caution"}],
 "media":{"type":"video","data":{"id":9,"standard":"https://img.example/v.mp4"}}},
{"stepid":101,"orderby":1,"title":"Power off","lines":[
 {"lineid":1,"text_raw":"CAUTION-ONE discharge it below 25%","text_rendered":"CAUTION-ONE discharge it below 25%","level":0,"bullet":"icon_caution"},
 {"lineid":2,"text_raw":"Power off","text_rendered":"Power off","level":0,"bullet":"red"},
 {"lineid":3,"text_raw":"Two screws","text_rendered":"Two screws","level":1,"bullet":"black"}],
 "media":{"type":"image","data":[{"id":2,"guid":"a","mini":"https://img.example/1.mini","standard":"https://img.example/1.standard"}]}},
{"stepid":102,"orderby":2,"title":"","lines":[
 {"lineid":4,"text_raw":"Keep the screws","text_rendered":"Keep the screws","level":0,"bullet":"icon_note"},
 {"lineid":5,"text_raw":"Look again","text_rendered":"Look again","level":0,"bullet":"icon_reminder"}],"media":null}]})";

const std::string kSearchJson = R"({"totalResults":5,"results":[
{"dataType":"wiki","wikiid":1,"namespace":"CATEGORY","title":"iPhone 6","display_title":"iPhone 6","summary":"A phone","url":"https://www.ifixit.com/Device/iPhone_6"},
{"dataType":"guide","guideid":40,"locale":"en","revisionid":1,"modified_date":1,"url":"https://www.ifixit.com/Guide/40","type":"replacement",
 "category":"iPhone 5","subject":"Battery","title":"iPhone 5 Battery","summary":"s","difficulty":"Easy","time_required_max":1800,"image":null,"flags":[]},
{"dataType":"guide","guideid":42,"locale":"en","revisionid":2,"modified_date":2,"url":"https://www.ifixit.com/Guide/42","type":"replacement",
 "category":"iPhone 6","subject":"Battery","title":"iPhone 6 Battery Replacement","summary":"s","difficulty":false,"time_required_max":2700,"image":{"id":1},"flags":[]},
{"dataType":"question","title":"Why?","url":"https://www.ifixit.com/Answers/1","score":3},
{"dataType":"guide","guideid":43,"url":"https://www.ifixit.com/Guide/43","category":"iPhone 6","title":"iPhone 6 Screen","difficulty":null,"time_required_max":9000}]})";

const std::string kDeviceJson =
    R"({"wikiid":5,"namespace":"CATEGORY","title":"iPhone 6","display_title":"iPhone 6, 2014",
"description":"A ''phone'' of 2014.","contents_raw":"== Background ==","contents_rendered":"<h2>Background</h2>","image":null,
"url":"https://www.ifixit.com/Device/iPhone_6","repairability_score":7,"ancestors":[{"title":"Phone"}],
"children":[{"title":"iPhone 6 A1549","display_title":"iPhone 6 A1549"},"iPhone 6 A1586"],
"guides":[{"dataType":"guide","guideid":42,"title":"iPhone 6 Battery Replacement","difficulty":"Moderate","time_required_max":2700,"url":"https://www.ifixit.com/Guide/42"},
 {"dataType":"guide","guideid":43,"title":"iPhone 6 Screen","difficulty":null,"time_required_max":null,"url":null}],
"featured_guides":[{"dataType":"guide","guideid":42,"title":"iPhone 6 Battery Replacement"}],"parts":{},"tools":[],"solutions":[],"documents":[],"flags":[],"info":{}
})";

namespace {
// Writes a value again, with one field of it changed.
struct Rewriter {
  size_t target;
  const std::string* replacement;
  size_t seen = 0;
  std::string name = {};
  std::string out = {};

  void write(const JsonValue& value) {
    if (value.kind() == JsonValue::Kind::array) {
      out += '[';
      bool is_first = true;
      for (const JsonValue& item : value.items()) {
        if (!std::exchange(is_first, false)) out += ',';
        write(item);
      }
      out += ']';
    } else if (value.is_object()) {
      out += '{';
      bool is_first = true;
      for (const auto& [field, inner] : value.fields()) write_field(field, inner, is_first);
      out += '}';
    } else {
      out += value.to_json();
    }
  }
  void write_field(std::string_view field, const JsonValue& value, bool& is_first) {
    const bool is_target = seen++ == target;
    if (is_target) name = field;
    if (is_target && replacement == nullptr) {
      // Its own fields count too, so that numbers stay the same.
      std::string kept = std::exchange(out, {});
      write(value);
      out = std::move(kept);
      return;
    }
    if (!std::exchange(is_first, false)) out += ',';
    json::append_string(out, field);
    out += ':';
    const size_t at = out.size();
    write(value);
    if (is_target) out.replace(at, std::string::npos, *replacement);
  }
};

Rewriter rewrite(const std::string& json, size_t index, const std::string* replacement) {
  const JsonDocument document = CHECK_OK(JsonDocument::parse(json));
  Rewriter rewriter{.target = index, .replacement = replacement};
  rewriter.write(document.root());
  return rewriter;
}

std::string ifixit_answer(const IfixitWorld& world, const Request& request) {
  if (request.target.starts_with("/api/2.0/search/")) return world.search_answer;
  if (request.target.starts_with("/api/2.0/guides/")) return world.guide_answer;
  if (request.target.starts_with("/api/2.0/wikis/CATEGORY/")) return world.device_answer;
  return answer("404 Not Found", R"({"message":"Not found"})");
}

}  // namespace

size_t count_fields(const std::string& json) { return rewrite(json, SIZE_MAX, nullptr).seen; }
std::string with_field(const std::string& json, size_t index, const std::string* replacement) {
  return rewrite(json, index, replacement).out;
}
std::string field_name(const std::string& json, size_t index) { return rewrite(json, index, nullptr).name; }

IfixitWorld::IfixitWorld() : server([this](const Request& request) { return ifixit_answer(*this, request); }) {
  tools.servers = {&server};
  IfixitConfig config{.url = CHECK_OK(http::parse_url(server.url("/api/2.0"))), .contact = "me@example.org"};
  for (const auto& tool : make_ifixit_tools(tools.world.loop, *tools.world.client, std::move(config)))
    tools.toolbox.add(tool);
}

}  // namespace bobbin::tools::test
