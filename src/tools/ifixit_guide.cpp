#include "src/tools/ifixit_guide.h"

#include <algorithm>

#include "src/tools/clip.h"
#include "src/tools/ifixit_fields.h"
#include "src/tools/ifixit_text.h"

namespace bobbin::tools {
namespace {

constexpr size_t kLineBytesMax = 800;
constexpr size_t kItemsMax = 40;
constexpr size_t kStepsMax = 2'000;
// More cautions than this at the top would leave no room for steps; they are then only with their steps.
constexpr size_t kCautionsAtTopBytesMax = 4 * 1024;

// Wiki markup, or where that is missing what was made of it.
std::string prose(const JsonValue& raw, const JsonValue& rendered) {
  std::string text = strip_wiki_markup(raw.text());
  if (text.empty()) text = strip_html(rendered.text());
  return text;
}

GuideLine::Kind line_kind(std::string_view bullet) {
  if (bullet == "icon_caution") return GuideLine::Kind::caution;
  if (bullet == "icon_note") return GuideLine::Kind::note;
  if (bullet == "icon_reminder") return GuideLine::Kind::reminder;
  return GuideLine::Kind::plain;
}

// Pictures are in an array; a video is an object, and has none to show.
std::string first_image(const JsonValue& media) {
  for (const JsonValue& image : media["data"].items()) {
    for (const char* size : {"standard", "medium", "large", "original", "thumbnail"}) {
      std::string url = web_url(image[size]);
      if (url.starts_with("https://")) return url;
    }
  }
  return {};
}

GuideStep read_step(const JsonValue& value) {
  GuideStep step{.title = field_line(value["title"]), .image_url = first_image(value["media"]), .lines = {}};
  for (const JsonValue& line : value["lines"].items()) {
    GuideLine read{.text = prose(line["text_raw"], line["text_rendered"]), .kind = line_kind(line["bullet"].text())};
    if (read.text.empty()) continue;
    read.level = static_cast<int>(std::clamp<int64_t>(line["level"].integer().value_or(0), 0, 2));
    step.lines.push_back(std::move(read));
  }
  return step;
}

// nullopt for more steps than any guide has: reading them would hold up the loop.
std::optional<std::vector<GuideStep>> read_steps(const JsonValue& value) {
  struct Placed {
    int64_t place;
    GuideStep step;
  };
  const std::vector<JsonValue> values = value.items();
  if (values.size() > kStepsMax) return std::nullopt;
  std::vector<Placed> placed;
  placed.reserve(values.size());
  for (const JsonValue& step : values) {
    if (!step.is_object()) continue;
    const auto next = static_cast<int64_t>(placed.size()) + 1;
    placed.push_back({step["orderby"].integer().value_or(next), read_step(step)});
  }
  std::stable_sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) { return a.place < b.place; });
  std::vector<GuideStep> steps;
  steps.reserve(placed.size());
  for (Placed& one : placed) steps.push_back(std::move(one.step));
  return steps;
}

std::vector<GuideItem> read_items(const JsonValue& value) {
  std::vector<GuideItem> items;
  for (const JsonValue& item : value.items()) {
    GuideItem read{.text = field_line(item["text"]), .notes = field_line(item["notes"])};
    if (read.text.empty()) read.text = field_line(item["type"]);
    if (read.text.empty()) continue;
    read.quantity = item["quantity"].integer().value_or(1);
    if (items.size() >= kItemsMax) break;
    items.push_back(std::move(read));
  }
  return items;
}

void append_items(std::string& out, const char* heading, const std::vector<GuideItem>& items) {
  if (items.empty()) return;
  out += heading;
  for (size_t i = 0; i < items.size(); ++i) {
    out += i == 0 ? " " : "; ";
    out += items[i].text;
    if (items[i].quantity > 1) out += " x" + std::to_string(items[i].quantity);
    if (!items[i].notes.empty()) out += " (" + items[i].notes + ')';
  }
  out += '\n';
}

void append_list(std::string& out, const char* heading, const std::vector<std::string>& entries) {
  if (entries.empty()) return;
  out += heading;
  for (size_t i = 0; i < entries.size(); ++i) out += (i == 0 ? " " : "; ") + entries[i];
  out += '\n';
}

void append_head(std::string& out, const Guide& guide, const std::string& note) {
  if (!note.empty()) out += note + '\n';
  out += "iFixit guide " + std::to_string(guide.guideid) + ": " + guide.title + '\n';
  if (!guide.category.empty()) out += "Device: " + guide.category + '\n';
  out += "Difficulty: " + (guide.difficulty.empty() ? "not given" : guide.difficulty) +
         "; time: " + (guide.time_required.empty() ? "not given" : guide.time_required) +
         "; steps: " + std::to_string(guide.steps.size()) + '\n';
  out += "Source: " + (guide.url.empty() ? "https://www.ifixit.com" : guide.url);
  if (!guide.author.empty()) out += ", by " + guide.author;
  if (guide.revisionid > 0) out += ", revision " + std::to_string(guide.revisionid);
  out += ". Licence CC BY-NC-SA: name iFixit and give this link.\n";
  append_list(out, "Flags:", guide.flags);
}

void append_line(std::string& out, const GuideLine& line) {
  out.append(static_cast<size_t>(line.level) * 2, ' ');
  switch (line.kind) {
    case GuideLine::Kind::plain: out += "- "; break;
    case GuideLine::Kind::note: out += "- Note: "; break;
    case GuideLine::Kind::reminder: out += "- Reminder: "; break;
    case GuideLine::Kind::caution: out += "- CAUTION: "; break;
  }
  if (line.kind == GuideLine::Kind::caution || line.text.size() <= kLineBytesMax) {
    out += line.text;
  } else {
    out.append(cut_text(line.text, kLineBytesMax)).append("... [shortened]");
  }
  out += '\n';
}

std::string all_cautions(const Guide& guide) {
  std::string text;
  for (size_t i = 0; i < guide.steps.size(); ++i) {
    for (const GuideLine& line : guide.steps[i].lines) {
      if (line.kind == GuideLine::Kind::caution) text += "- Step " + std::to_string(i + 1) + ": " + line.text + '\n';
    }
  }
  return text;
}

std::string step_text(const GuideStep& step, size_t number) {
  std::string text = "Step " + std::to_string(number) + (step.title.empty() ? "" : ": " + step.title) + '\n';
  for (const GuideLine& line : step.lines) append_line(text, line);
  if (!step.image_url.empty()) text += "  Picture: " + step.image_url + '\n';
  return text;
}

}  // namespace

std::optional<Guide> read_guide(const JsonValue& value) {
  if (!value.is_object()) return std::nullopt;
  Guide guide{.guideid = value["guideid"].integer().value_or(0),
              .revisionid = value["revisionid"].integer().value_or(0),
              .title = field_line(value["title"]),
              .url = web_url(value["url"]),
              .category = field_line(value["category"]),
              .difficulty = field_line(value["difficulty"]),
              .time_required = field_line(value["time_required"]),
              .introduction = prose(value["introduction_raw"], value["introduction_rendered"]),
              .author = field_line(value["author"]["username"])};
  if (guide.time_required.empty()) guide.time_required = duration_words(value["time_required_max"]);
  for (const JsonValue& flag : value["flags"].items()) {
    std::string title = field_line(flag["title"]);
    if (!title.empty() && guide.flags.size() < kItemsMax) guide.flags.push_back(std::move(title));
  }
  for (const JsonValue& before : value["prerequisites"].items()) {
    std::string title = field_line(before["title"]);
    const auto id = before["guideid"].integer();
    if (title.empty() || guide.prerequisites.size() >= kItemsMax) continue;
    guide.prerequisites.push_back(title + (id ? " (guide " + std::to_string(*id) + ')' : ""));
  }
  guide.tools = read_items(value["tools"]);
  guide.parts = read_items(value["parts"]);
  std::optional<std::vector<GuideStep>> steps = read_steps(value["steps"]);
  if (!steps) return std::nullopt;
  guide.steps = std::move(*steps);
  if (guide.title.empty() && guide.steps.empty()) return std::nullopt;
  if (guide.title.empty()) guide.title = "(without a title)";
  return guide;
}

std::optional<ShownGuide> show_guide(const Guide& guide, const GuidePage& page, const std::string& note) {
  ShownGuide shown;
  std::string& text = shown.text;
  append_head(text, guide, note);
  if (page.from_step <= 1) {
    append_items(text, "Tools:", guide.tools);
    append_items(text, "Parts:", guide.parts);
    append_list(text, "First do:", guide.prerequisites);
    if (!guide.introduction.empty())
      text.append("Introduction: ").append(cut_text(guide.introduction, kLineBytesMax)).append("\n");
  }
  const std::string cautions = all_cautions(guide);
  if (!cautions.empty() && cautions.size() <= kCautionsAtTopBytesMax) {
    text += "Cautions in this guide; tell the user each that concerns them:\n" + cautions;
  } else if (!cautions.empty()) {
    text += "This guide has many cautions: they stand with their steps; tell the user each.\n";
  }
  const auto count = static_cast<int64_t>(guide.steps.size());
  int64_t next = std::max<int64_t>(page.from_step, 1);
  const int64_t end = next + std::min(page.steps_max, count);
  for (; next <= count && next < end; ++next) {
    const std::string step = step_text(guide.steps[static_cast<size_t>(next - 1)], static_cast<size_t>(next));
    if (shown.first_step > 0 && text.size() + step.size() > kGuideTextBytes) break;
    if (shown.first_step == 0) shown.first_step = next;
    shown.last_step = next;
    text += step;
  }
  if (shown.first_step == 0 && page.from_step > count)
    text += "There is no step " + std::to_string(page.from_step) + ".\n";
  if (shown.last_step > 0 && next <= count)
    text += "More steps follow: ask again with from_step " + std::to_string(next) + ".\n";
  if (text.size() > kGuideTextBytesMax) return std::nullopt;
  return shown;
}

}  // namespace bobbin::tools
