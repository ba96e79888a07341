#include "src/tools/ifixit_tools.h"

#include <algorithm>

#include "src/base/assert.h"
#include "src/tools/arguments.h"
#include "src/tools/clip.h"
#include "src/tools/ifixit_guide.h"
#include "src/tools/ifixit_results.h"

namespace bobbin::tools {
namespace {

// More is asked for than is shown: those of other devices are dropped.
constexpr int64_t kSearchedMax = 20;
constexpr int64_t kShownMax = 5;
constexpr int64_t kStepsMax = 8;
constexpr size_t kQueryBytesMax = 300;

const ToolSpec kSearch = {
    .name = "ifixit_search_guides",
    .description = "Searches iFixit for repair guides. Gives the ids with which ifixit_get_guide reads them.",
    .parameters =
        R"({"type":"object","properties":{"query":{"type":"string","description":"what is to be repaired, in a few words"},)"
        R"("device":{"type":"string","description":"the device, as exact as it is known"},)"
        R"("limit":{"type":"integer","minimum":1,"maximum":5}},"required":["query"]})"};
const ToolSpec kGuide = {
    .name = "ifixit_get_guide",
    .description = "Reads a repair guide of iFixit: tools, parts, cautions and steps, some steps at a time.",
    .parameters =
        R"({"type":"object","properties":{"guideid":{"type":"integer","description":"from ifixit_search_guides or ifixit_get_device"},)"
        R"("from_step":{"type":"integer","minimum":1,"description":"first step to read; 1 when left out"},)"
        R"("max_steps":{"type":"integer","minimum":1,"maximum":8}},"required":["guideid"]})"};
const ToolSpec kDevice = {
    .name = "ifixit_get_device",
    .description =
        "Looks a device up on iFixit: description, repairability score, its guides and more specific models.",
    .parameters =
        R"({"type":"object","properties":{"title":{"type":"string","description":"name of the device, such as \"iPhone 6\""}},)"
        R"("required":["title"]})"};

JsonDocument parse_schema(const ToolSpec& spec) {
  Result<JsonDocument> schema = JsonDocument::parse(spec.parameters);
  BOBBIN_ASSERT(schema.has_value());
  return std::move(*schema);
}

// What all three do alike.
class IfixitTool : public Tool {
 public:
  IfixitTool(const ToolSpec& spec, std::shared_ptr<IfixitClient> client)
      : spec_(spec), schema_(parse_schema(spec)), client_(std::move(client)) {}
  [[nodiscard]] const ToolSpec& spec() const noexcept override { return spec_; }

  Task<ToolResult> call(const JsonDocument& arguments, ToolProgress& progress, CancelScope& scope) final {
    if (const auto fault = find_argument_fault(schema_.root(), arguments.root())) co_return tool_error(*fault);
    co_return co_await run(arguments.root(), progress, scope);
  }

 protected:
  // `arguments` fit the schema.
  virtual Task<ToolResult> run(JsonValue arguments, ToolProgress& progress, CancelScope& scope) = 0;
  IfixitClient& client() noexcept { return *client_; }

 private:
  const ToolSpec& spec_;
  const JsonDocument schema_;
  const std::shared_ptr<IfixitClient> client_;
};

int64_t number_between(const JsonValue& value, int64_t least, int64_t most, int64_t otherwise) {
  return std::clamp(value.integer().value_or(otherwise), least, most);
}

// One line of words for a path or a query; empty when there are none.
std::string words_of(const JsonValue& value) { return to_status_line(cut_text(value.text(), kQueryBytesMax)); }

// A slash would end the segment for servers that decode first.
std::string encoded_segment(std::string text) {
  std::replace(text.begin(), text.end(), '/', ' ');
  std::string encoded;
  http::append_percent_encoded(encoded, text);
  // Nothing else encodes to dots alone, and those would mean another path.
  return encoded.find_first_not_of('.') == std::string::npos ? std::string() : encoded;
}

std::string stale_note(const IfixitAnswer& answer) {
  if (answer.stale_ms == 0) return {};
  return "[This is a cached copy, checked " + std::to_string(answer.stale_ms / 60'000) +
         " minutes ago; iFixit cannot be reached now.]";
}

class SearchTool final : public IfixitTool {
 public:
  explicit SearchTool(std::shared_ptr<IfixitClient> client) : IfixitTool(kSearch, std::move(client)) {}

 private:
  Task<ToolResult> run(JsonValue arguments, ToolProgress& progress, CancelScope& scope) override {
    const std::string query = words_of(arguments["query"]);
    const std::string device = words_of(arguments["device"]);
    const std::string segment = encoded_segment(device.empty() ? query : device + ' ' + query);
    if (query.empty() || segment.empty()) co_return tool_error("The argument \"query\" has no words.");
    progress.on_status("Searching iFixit...");
    const IfixitAnswer answer =
        co_await client().get("/search/" + segment + "?filter=guide&limit=" + std::to_string(kSearchedMax), scope);
    if (answer.kind == IfixitAnswer::Kind::failed) co_return tool_error(answer.sentence);
    std::vector<GuideSummary> guides;
    if (answer.document) guides = read_guide_summaries(answer.document->root()["results"].items());
    if (!device.empty()) guides = for_device(guides, device);
    if (guides.empty())
      co_return ToolResult{.content = "iFixit has no guide for these words. Other or fewer words may find one.",
                           .is_error = false,
                           .summary = "No guide found on iFixit"};
    const auto shown =
        std::min(static_cast<int64_t>(guides.size()), number_between(arguments["limit"], 1, kShownMax, kShownMax));
    const std::string found = "Found " + std::to_string(shown) + (shown == 1 ? " guide" : " guides") + " on iFixit";
    progress.on_status(found);
    const std::string note = stale_note(answer);
    co_return ToolResult{
        .content = (note.empty() ? note : note + '\n') + show_guides(guides, static_cast<size_t>(shown)),
        .is_error = false,
        .summary = found};
  }
};

class GuideTool final : public IfixitTool {
 public:
  explicit GuideTool(std::shared_ptr<IfixitClient> client) : IfixitTool(kGuide, std::move(client)) {}

 private:
  Task<ToolResult> run(JsonValue arguments, ToolProgress& progress, CancelScope& scope) override {
    const int64_t id = arguments["guideid"].integer().value_or(0);
    if (id <= 0) co_return tool_error("The argument \"guideid\" must be a positive number.");
    progress.on_status("Loading the guide from iFixit...");
    const IfixitAnswer answer = co_await client().get("/guides/" + std::to_string(id), scope);
    if (answer.kind == IfixitAnswer::Kind::failed) co_return tool_error(answer.sentence);
    if (answer.kind == IfixitAnswer::Kind::not_found)
      co_return tool_error("iFixit has no guide " + std::to_string(id) +
                           "; ifixit_search_guides finds those there are.");
    std::optional<Guide> guide = read_guide(answer.document->root());
    if (!guide) co_return tool_error("iFixit gave an answer that is not understood.");
    guide->guideid = id;
    const GuidePage page{.from_step = number_between(arguments["from_step"], 1, 1'000'000, 1),
                         .steps_max = number_between(arguments["max_steps"], 1, kStepsMax, kStepsMax)};
    std::optional<ShownGuide> shown = show_guide(*guide, page, stale_note(answer));
    if (!shown)
      co_return tool_error("This guide is too long to be shown with all its cautions; read it at " +
                           (guide->url.empty() ? "https://www.ifixit.com/Guide/x/" + std::to_string(id) : guide->url) +
                           '.');
    std::string summary = "iFixit: " + guide->title;
    if (!guide->url.empty()) summary += " (" + guide->url + ')';
    co_return ToolResult{.content = std::move(shown->text), .is_error = false, .summary = std::move(summary)};
  }
};

class DeviceTool final : public IfixitTool {
 public:
  explicit DeviceTool(std::shared_ptr<IfixitClient> client) : IfixitTool(kDevice, std::move(client)) {}

 private:
  Task<ToolResult> run(JsonValue arguments, ToolProgress& progress, CancelScope& scope) override {
    const std::string title = words_of(arguments["title"]);
    const std::string segment = encoded_segment(title);
    if (segment.empty()) co_return tool_error("The argument \"title\" has no words.");
    progress.on_status("Looking the device up on iFixit...");
    const IfixitAnswer answer = co_await client().get("/wikis/CATEGORY/" + segment, scope);
    if (answer.kind == IfixitAnswer::Kind::failed) co_return tool_error(answer.sentence);
    const std::optional<Device> device =
        answer.document ? read_device(answer.document->root()) : std::optional<Device>();
    if (answer.kind == IfixitAnswer::Kind::not_found)
      co_return tool_error("iFixit has no device called \"" + title + "\"; ifixit_search_guides may find its guides.");
    if (!device) co_return tool_error("iFixit gave an answer that is not understood.");
    std::string summary = "iFixit: " + device->title;
    if (!device->url.empty()) summary += " (" + device->url + ')';
    co_return ToolResult{
        .content = show_device(*device, stale_note(answer)), .is_error = false, .summary = std::move(summary)};
  }
};

}  // namespace

std::vector<std::shared_ptr<Tool>> make_ifixit_tools(Loop& loop, net::HttpClient& client, IfixitConfig config) {
  const auto shared = std::make_shared<IfixitClient>(loop, client, std::move(config));
  return {std::make_shared<SearchTool>(shared), std::make_shared<GuideTool>(shared),
          std::make_shared<DeviceTool>(shared)};
}

}  // namespace bobbin::tools
