#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/tools/json_value.h"

// A repair guide of iFixit, read tolerantly (every field may be absent, null or of another type) and shown to a model.
// Source: formats.md B.3.
namespace bobbin::tools {

struct GuideLine {
  std::string text;
  enum class Kind : uint8_t { plain, note, reminder, caution } kind = Kind::plain;
  int level = 0;  // 0..2, how far it is indented
};

struct GuideStep {
  std::string title;      // often empty
  std::string image_url;  // https, or empty
  std::vector<GuideLine> lines;
};

struct GuideItem {
  std::string text;
  std::string notes;
  int64_t quantity = 1;
};

struct Guide {
  int64_t guideid = 0;
  int64_t revisionid = 0;  // 0: unknown
  std::string title;
  std::string url;         // empty when the server gave none that is https or http
  std::string category;    // the device
  std::string difficulty;  // empty when not given
  std::string time_required;
  std::string introduction;
  std::string author;
  std::vector<std::string> flags;
  std::vector<std::string> prerequisites;
  std::vector<GuideItem> tools;
  std::vector<GuideItem> parts;
  std::vector<GuideStep> steps;  // in their order; index 0 is step 1
};

// nullopt when `value` is no guide: no object, neither a title nor steps, or more than 2000 steps.
[[nodiscard]] std::optional<Guide> read_guide(const JsonValue& value);

// Which part of a guide is shown.
struct GuidePage {
  int64_t from_step = 1;  // 1-based
  int64_t steps_max = 8;
};

struct ShownGuide {
  std::string text;
  int64_t first_step = 0;  // 0: none is shown
  int64_t last_step = 0;
};

// About this much is shown at once; a single step is never divided.
inline constexpr size_t kGuideTextBytes = 6 * 1024;
// And never more than this, or the guide is not shown at all: what follows would be cut, and a caution with it.
inline constexpr size_t kGuideTextBytesMax = 24 * 1024;

// The text for the model: what guide it is, with its link and licence; tools and parts; every caution of the whole
// guide; then the steps of the page, each with its cautions, notes and one picture; then how to read on. Long plain
// lines are shortened, cautions never. `note` (may be empty) stands at the top: that it is a cached copy.
// nullopt when it cannot be shown without cutting into a caution.
[[nodiscard]] std::optional<ShownGuide> show_guide(const Guide& guide, const GuidePage& page, const std::string& note);

}  // namespace bobbin::tools
