#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/tools/json_value.h"

// Search results and device pages of iFixit, read tolerantly and shown to a model. Source: formats.md B.2 to B.4.
namespace bobbin::tools {

struct GuideSummary {
  int64_t guideid = 0;
  std::string title;
  std::string category;    // the device
  std::string difficulty;  // empty when not given
  std::string time_required;
  std::string url;
};

// The guides among `values`, in their order; what is no guide, or has no id, is skipped. 200 at
// most.
[[nodiscard]] std::vector<GuideSummary> read_guide_summaries(const std::vector<JsonValue>& values);

// Those for `device` when there are any, else all: a search for "iPhone 6 battery" also finds other models.
[[nodiscard]] std::vector<GuideSummary> for_device(const std::vector<GuideSummary>& guides, std::string_view device);

[[nodiscard]] std::string show_guides(const std::vector<GuideSummary>& guides, size_t guides_max);

struct Device {
  std::string title;
  std::string url;
  std::string description;
  std::optional<int64_t> repairability_score;  // of 10
  std::vector<GuideSummary> guides;
  std::vector<std::string> children;  // more specific devices
};

// nullopt when `value` is no page: no object, or no title.
[[nodiscard]] std::optional<Device> read_device(const JsonValue& value);

// The page for the model, about 6 KiB at most.
[[nodiscard]] std::string show_device(const Device& device, const std::string& note);

}  // namespace bobbin::tools
