#include "src/tools/ifixit_tools.h"

#include <algorithm>

#include "src/base/text.h"
#include "tests/unit/tools/ifixit_server.h"

// The iFixit tools against a server on loopback that answers in the documented shapes, in spoilt ones and not at all.
namespace bobbin::tools::test {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST_CASE(search_lists_guides_for_the_device) {
  IfixitWorld world;
  const ToolResult result = world.search(R"({"query":"battery","device":"IPHONE 6"})");
  CHECK(!result.is_error);
  CHECK(has(result.content,
            "- guideid 42: iPhone 6 Battery Replacement; device: iPhone 6; time: 45 minutes; "
            "https://www.ifixit.com/Guide/42\n"));
  CHECK(has(result.content, "- guideid 43: iPhone 6 Screen; device: iPhone 6; time: 2 hours 30 minutes;"));
  CHECK(!has(result.content, "iPhone 5") && !has(result.content, "Why?"));
  CHECK(has(result.content, "CC BY-NC-SA"));
  CHECK_EQ(result.summary, "Found 2 guides on iFixit");
  CHECK(world.tools.statuses == (std::vector<std::string>{"Searching iFixit...", "Found 2 guides on iFixit"}));
  CHECK_EQ(world.server.requests.at(0).target, "/api/2.0/search/IPHONE%206%20battery?filter=guide&limit=20");
  CHECK_EQ(world.server.requests.at(0).header("User-Agent"), "bobbin (me@example.org)");
}

TEST_CASE(search_without_a_match_for_the_device_shows_all) {
  IfixitWorld world;
  CHECK(has(world.search(R"({"query":"battery","device":"Galaxy"})").content, "iPhone 5 Battery"));
  const ToolResult one = world.search(R"({"query":"battery","limit":1})");
  CHECK(has(one.content, "guideid 40") && !has(one.content, "guideid 42"));
}

TEST_CASE(search_that_finds_nothing_is_no_error) {
  IfixitWorld world;
  for (const std::string& nothing :
       {answer("404 Not Found", R"({"message":"x"})"), answer("200 OK", R"({"results":[]})"), answer("200 OK", "{}"),
        answer("200 OK", "[]"), answer("200 OK", R"({"results":null})")}) {
    world.search_answer = nothing;
    const ToolResult result = world.search("{\"query\":\"q" + std::to_string(world.server.requests.size()) + "\"}");
    CHECK(!result.is_error);
    CHECK(has(result.content, "no guide"));
  }
}

TEST_CASE(query_cannot_leave_its_path_segment) {
  IfixitWorld world;
  for (const char* query : {"../../guides/1", "a?filter=wiki&x=#", "..", "%2e%2e", "\\u0000\\r\\nX: y"}) {
    static_cast<void>(world.search(std::string("{\"query\":\"") + query + "\"}"));
  }
  for (const Request& request : world.server.requests) {
    CHECK(request.target.starts_with("/api/2.0/search/"));
    CHECK(request.target.ends_with("?filter=guide&limit=20"));
    CHECK_EQ(std::count(request.target.begin(), request.target.end(), '/'), 4);
    CHECK_EQ(std::count(request.target.begin(), request.target.end(), '?'), 1);
  }
  CHECK(world.search(R"({"query":".."})").is_error);
  CHECK(world.search(R"({"query":" "})").is_error);
  CHECK(world.search("{}").is_error);
  CHECK(world.device(R"({"title":"."})").is_error);
}

TEST_CASE(guide_has_cautions_first_steps_in_order_and_attribution) {
  IfixitWorld world;
  const ToolResult result = world.guide(R"({"guideid":42})");
  CHECK(!result.is_error);
  CHECK_EQ(
      result.content,
      "iFixit guide 42: iPhone 6 Battery Replacement\n"
      "Device: iPhone 6\n"
      "Difficulty: Moderate; time: 15 - 45 minutes; steps: 3\n"
      "Source: https://www.ifixit.com/Guide/iPhone+6+Battery/42, by Walter, revision 1234. Licence CC BY-NC-SA: name "
      "iFixit and give this link.\n"
      "Flags: In Progress\n"
      "Tools: Spudger x2\n"
      "Parts: iPhone 6 Battery (new)\n"
      "First do: Opening the phone (guide 41)\n"
      "Introduction: Before you begin, discharge the battery.\n"
      "Cautions in this guide; tell the user each that concerns them:\n"
      "- Step 1: CAUTION-ONE discharge it below 25%\n"
      "- Step 3: CAUTION-THREE never bend the battery\n"
      "Step 1: Power off\n"
      "- CAUTION: CAUTION-ONE discharge it below 25%\n"
      "- Power off\n"
      "  - Two screws\n"
      "  Picture: https://img.example/1.standard\n"
      "Step 2\n"
      "- Note: Keep the screws\n"
      "- Reminder: Look again\n"
      "Step 3: Close\n"
      "- Close the case.\n"
      "- CAUTION: CAUTION-THREE never bend the battery\n");
  CHECK_EQ(result.summary, "iFixit: iPhone 6 Battery Replacement (https://www.ifixit.com/Guide/iPhone+6+Battery/42)");
  CHECK(world.tools.statuses == (std::vector<std::string>{"Loading the guide from iFixit..."}));
}

TEST_CASE(part_of_a_guide_still_has_every_caution) {
  IfixitWorld world;
  const ToolResult first = world.guide(R"({"guideid":42,"max_steps":1})");
  CHECK(has(first.content, "Step 1: Power off") && !has(first.content, "Step 2\n"));
  CHECK(has(first.content, "ask again with from_step 2"));
  const ToolResult middle = world.guide(R"({"guideid":42,"from_step":2,"max_steps":1})");
  CHECK(has(middle.content, "Step 2\n") && has(middle.content, "from_step 3") && !has(middle.content, "Tools:"));
  for (const ToolResult& result : {first, middle})
    CHECK(has(result.content, "CAUTION-ONE") && has(result.content, "CAUTION-THREE"));
  CHECK(has(world.guide(R"({"guideid":42,"from_step":9})").content, "There is no step 9."));
}

TEST_CASE(guide_that_is_not_there_is_said_to_be_missing) {
  IfixitWorld world;
  world.guide_answer = answer("404 Not Found", R"({"message":"x"})");
  const ToolResult result = world.guide(R"({"guideid":7})");
  CHECK(result.is_error);
  CHECK(has(result.content, "iFixit has no guide 7"));
  for (const char* bad : {"{}", R"({"guideid":"7"})", R"({"guideid":0})", R"({"guideid":-1})", R"({"guideid":1.5})"})
    CHECK(world.guide(bad).is_error);
  CHECK_EQ(world.server.requests.size(), 1u);
}

TEST_CASE(device_has_score_guides_and_children) {
  IfixitWorld world;
  const ToolResult result = world.device(R"({"title":"iPhone 6"})");
  CHECK(!result.is_error);
  CHECK_EQ(world.server.requests.at(0).target, "/api/2.0/wikis/CATEGORY/iPhone%206");
  CHECK_EQ(result.content,
           "iFixit page: iPhone 6, 2014\n"
           "Source: https://www.ifixit.com/Device/iPhone_6. Licence CC BY-NC-SA: name iFixit and give this link.\n"
           "Repairability score: 7 of 10\n"
           "Description: A phone of 2014.\n"
           "More specific devices: iPhone 6 A1549; iPhone 6 A1586\n"
           "Guides:\n"
           "- guideid 42: iPhone 6 Battery Replacement\n"
           "- guideid 43: iPhone 6 Screen\n");
  world.device_answer = answer("404 Not Found", "{}");
  CHECK(has(world.device(R"({"title":"Nothing"})").content, "no device called \"Nothing\""));
}

// One field after another absent, null or of another type: never a crash, always UTF-8 within bounds, and no caution
// lost but the one whose own field was spoilt.
void spoil(const std::string& json, std::string IfixitWorld::*slot, ToolResult (IfixitWorld::*ask)(const std::string&),
           const std::string& arguments, const std::vector<std::string>& cautions) {
  const std::string replacements[] = {"null",
                                      "7",
                                      "-1.5",
                                      "\"text\"",
                                      "[]",
                                      "{}",
                                      "true",
                                      "false",
                                      R"([null,1,"x",{},[[]]])",
                                      R"({"a":{"b":[1]}})",
                                      "18446744073709551615",
                                      "\"\\u0000\\ud83d\\udd27\""};
  const size_t fields = count_fields(json);
  CHECK(fields > 20);
  for (size_t field = 0; field < fields; ++field) {
    const std::string name = field_name(json, field);
    for (size_t i = 0; i <= std::size(replacements); ++i) {
      IfixitWorld world;
      world.*slot = answer("200 OK", with_field(json, field, i == 0 ? nullptr : &replacements[i - 1]));
      const ToolResult result = (world.*ask)(arguments);
      CHECK(!result.content.empty() && result.content.size() <= 32 * 1024);
      CHECK(is_utf8(result.content));
      // What holds the cautions, or makes them cautions.
      if (name == "steps" || name == "lines" || name == "bullet" || name == "text_raw") continue;
      if (result.is_error) throw bobbin::test::Failure("spoilt " + name + ": " + result.content);
      for (const std::string& caution : cautions) {
        if (!has(result.content, caution)) throw bobbin::test::Failure("spoilt " + name + " lost " + caution);
      }
    }
  }
}

TEST_CASE(guide_with_any_field_spoilt_keeps_its_cautions) {
  spoil(kGuideJson, &IfixitWorld::guide_answer, &IfixitWorld::guide, R"({"guideid":42})",
        {"CAUTION: CAUTION-ONE", "CAUTION: CAUTION-THREE", "CC BY-NC-SA"});
}

TEST_CASE(search_with_any_field_spoilt_is_survived) {
  spoil(kSearchJson, &IfixitWorld::search_answer, &IfixitWorld::search, R"({"query":"x"})", {});
}

TEST_CASE(device_with_any_field_spoilt_is_survived) {
  spoil(kDeviceJson, &IfixitWorld::device_answer, &IfixitWorld::device, R"({"title":"x"})", {"CC BY-NC-SA"});
}

TEST_CASE(caution_without_its_markup_is_taken_from_the_html) {
  IfixitWorld world;
  std::string json = kGuideJson;
  const std::string raw = R"("text_raw":"CAUTION-ONE discharge it below 25%",)";
  json.erase(json.find(raw), raw.size());
  world.guide_answer = answer("200 OK", json);
  CHECK(has(world.guide(R"({"guideid":42})").content, "- CAUTION: CAUTION-ONE discharge it below 25%"));
}

TEST_CASE(answers_are_kept_for_half_an_hour_and_then_checked) {
  IfixitWorld world;
  world.guide_answer = answer("200 OK", kGuideJson, "ETag: \"v1\"\r\n");
  const std::string first = world.guide(R"({"guideid":42})").content;
  world.tools.world.loop.advance_ms(29 * 60 * 1000);
  CHECK_EQ(world.guide(R"({"guideid":42})").content, first);
  CHECK_EQ(world.server.requests.size(), 1u);
  world.tools.world.loop.advance_ms(2 * 60 * 1000);
  world.guide_answer = "HTTP/1.1 304 Not Modified\r\n\r\n";
  CHECK_EQ(world.guide(R"({"guideid":42})").content, first);
  CHECK_EQ(world.server.requests.at(1).header("If-None-Match"), "\"v1\"");
  CHECK_EQ(world.guide(R"({"guideid":42})").content, first);
  CHECK_EQ(world.server.requests.size(), 2u);
}

// Waits for a call that has to sit out a backoff.
ToolResult call_slowly(IfixitWorld& world, const std::string& arguments, size_t requests) {
  ToolWorld::Running& running = world.tools.begin("ifixit_get_guide", arguments);
  world.tools.until([&] { return world.server.requests.size() >= requests - 1; });
  world.tools.world.settle();
  world.tools.world.settle();
  for (int turns = 0; turns < 20 && !running.result; ++turns) {
    world.tools.world.loop.advance_ms(500);
    for (int i = 0; i < 50 && !running.result; ++i) {
      world.server.pump();
      world.tools.world.step();
    }
  }
  world.tools.until([&] { return running.result.has_value(); });
  CHECK_EQ(world.server.requests.size(), requests);
  return *running.result;
}

TEST_CASE(old_copy_beats_an_error_and_says_that_it_is_old) {
  IfixitWorld world;
  static_cast<void>(world.guide(R"({"guideid":42})"));
  world.guide_answer = answer("503 Down", "x");
  world.tools.world.loop.advance_ms(61 * 60 * 1000);
  const ToolResult stale = call_slowly(world, R"({"guideid":42})", 3);
  CHECK(!stale.is_error);
  CHECK(has(stale.content, "cached copy, checked 61 minutes ago"));
  CHECK(has(stale.content, "revision 1234") && has(stale.content, "CAUTION-THREE"));
  world.tools.world.loop.advance_ms(24 * 60 * 60 * 1000);
  const ToolResult failed = call_slowly(world, R"({"guideid":42})", 5);
  CHECK(failed.is_error);
  CHECK_EQ(failed.content, "iFixit refused with status 503.");
}

TEST_CASE(refusals_are_one_sentence_each) {
  const std::pair<std::string, std::string> cases[] = {
      {answer("429 Too Many", "x"), "iFixit asks to wait before the next question."},
      {answer("403 No", "x"), "iFixit refused with status 403."},
      {answer("301 Moved", "", "Location: http://127.0.0.1/\r\n"), "iFixit refused with status 301."},
      {answer("200 OK", "<html>"), "iFixit gave an answer that is not understood."},
      {answer("200 OK", "[]"), "iFixit gave an answer that is not understood."},
      {answer("200 OK", "{}"), "iFixit gave an answer that is not understood."},
      {answer("200 OK", std::string(1'100'000, ' ')).substr(0, 1'060'000), "iFixit's answer is too large."},
  };
  for (const auto& [bytes, sentence] : cases) {
    IfixitWorld world;
    world.guide_answer = bytes;
    const ToolResult result = world.guide(R"({"guideid":1})");
    CHECK(result.is_error);
    CHECK_EQ(result.content, sentence);
    CHECK_EQ(world.server.requests.size(), 1u);
  }
}

}  // namespace
}  // namespace bobbin::tools::test
