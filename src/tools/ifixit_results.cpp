#include "src/tools/ifixit_results.h"

#include <algorithm>

#include "proto_http/characters.h"
#include "src/tools/clip.h"
#include "src/tools/ifixit_fields.h"
#include "src/tools/ifixit_text.h"

namespace bobbin::tools {
namespace {

constexpr size_t kDescriptionBytesMax = 1200;
constexpr size_t kDeviceTextBytes = 6 * 1024;
constexpr size_t kListMax = 60;
// What iFixit gives in one list at most; more would only hold up the loop.
constexpr size_t kSummariesMax = 200;

std::string lower_ascii(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return static_cast<char>(http::to_lower(static_cast<unsigned char>(c))); });
  return lower;
}

std::string summary_line(const GuideSummary& guide) {
  std::string line = "- guideid " + std::to_string(guide.guideid) + ": " + guide.title;
  if (!guide.category.empty()) line += "; device: " + guide.category;
  if (!guide.difficulty.empty()) line += "; difficulty: " + guide.difficulty;
  if (!guide.time_required.empty()) line += "; time: " + guide.time_required;
  if (!guide.url.empty()) line += "; " + guide.url;
  return line + '\n';
}

std::string child_title(const JsonValue& child) {
  std::string title = field_line(child);
  if (title.empty()) title = field_line(child["display_title"]);
  if (title.empty()) title = field_line(child["title"]);
  return title;
}

void add_guides(std::vector<GuideSummary>& guides, const JsonValue& value) {
  for (GuideSummary& guide : read_guide_summaries(value.items())) {
    const bool is_known = std::any_of(guides.begin(), guides.end(),
                                      [&](const GuideSummary& known) { return known.guideid == guide.guideid; });
    if (!is_known && guides.size() < kListMax) guides.push_back(std::move(guide));
  }
}

}  // namespace

std::vector<GuideSummary> read_guide_summaries(const std::vector<JsonValue>& values) {
  std::vector<GuideSummary> guides;
  for (const JsonValue& value : values) {
    if (guides.size() >= kSummariesMax) break;
    // Lists mix kinds. One without a kind is a guide when it has a guide's id.
    const std::string_view kind = value["dataType"].text();
    const auto id = value["guideid"].integer();
    if ((!kind.empty() && kind != "guide") || !id || *id <= 0) continue;
    GuideSummary guide{.guideid = *id,
                       .title = field_line(value["title"]),
                       .category = field_line(value["category"]),
                       .difficulty = field_line(value["difficulty"]),
                       .time_required = field_line(value["time_required"]),
                       .url = web_url(value["url"])};
    if (guide.time_required.empty()) guide.time_required = duration_words(value["time_required_max"]);
    if (guide.title.empty()) guide.title = "(without a title)";
    guides.push_back(std::move(guide));
  }
  return guides;
}

std::vector<GuideSummary> for_device(const std::vector<GuideSummary>& guides, std::string_view device) {
  const std::string wanted = lower_ascii(device);
  std::vector<GuideSummary> matching;
  for (const GuideSummary& guide : guides) {
    if (lower_ascii(guide.category).find(wanted) != std::string::npos) matching.push_back(guide);
  }
  return matching.empty() ? guides : matching;
}

std::string show_guides(const std::vector<GuideSummary>& guides, size_t guides_max) {
  std::string text = "Guides on iFixit (licence CC BY-NC-SA: name iFixit and give the link of what you use):\n";
  for (size_t i = 0; i < guides.size() && i < guides_max; ++i) text += summary_line(guides[i]);
  return text;
}

std::optional<Device> read_device(const JsonValue& value) {
  Device device{.title = field_line(value["display_title"]), .url = web_url(value["url"])};
  if (device.title.empty()) device.title = field_line(value["title"]);
  if (device.title.empty()) return std::nullopt;
  device.description = strip_wiki_markup(value["description"].text());
  if (device.description.empty()) device.description = strip_wiki_markup(value["contents_raw"].text());
  if (device.description.empty()) device.description = strip_html(value["contents_rendered"].text());
  device.repairability_score = value["repairability_score"].integer();
  add_guides(device.guides, value["featured_guides"]);
  add_guides(device.guides, value["guides"]);
  for (const JsonValue& child : value["children"].items()) {
    std::string title = child_title(child);
    if (!title.empty() && device.children.size() < kListMax) device.children.push_back(std::move(title));
  }
  return device;
}

std::string show_device(const Device& device, const std::string& note) {
  std::string text = note.empty() ? note : note + '\n';
  text += "iFixit page: " + device.title + '\n';
  text += "Source: " + (device.url.empty() ? "https://www.ifixit.com" : device.url) +
          ". Licence CC BY-NC-SA: name iFixit and give this link.\n";
  if (device.repairability_score)
    text += "Repairability score: " + std::to_string(*device.repairability_score) + " of 10\n";
  if (!device.description.empty()) {
    text.append("Description: ").append(cut_text(device.description, kDescriptionBytesMax));
    text += device.description.size() > kDescriptionBytesMax ? "... [shortened]\n" : "\n";
  }
  if (!device.children.empty()) {
    text += "More specific devices:";
    for (size_t i = 0; i < device.children.size() && text.size() < kDeviceTextBytes / 2; ++i)
      text += (i == 0 ? " " : "; ") + device.children[i];
    text += '\n';
  }
  if (!device.guides.empty()) text += "Guides:\n";
  size_t shown = 0;
  for (; shown < device.guides.size(); ++shown) {
    const std::string line = summary_line(device.guides[shown]);
    if (text.size() + line.size() > kDeviceTextBytes) break;
    text += line;
  }
  if (shown < device.guides.size())
    text += "(" + std::to_string(device.guides.size() - shown) + " more guides: search for what you need)\n";
  return text;
}

}  // namespace bobbin::tools
