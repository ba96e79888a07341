#pragma once

#include <string>

#include "tests/unit/tools/tool_world.h"

// iFixit's answers in the documented shapes (formats.md B), and every way to spoil one field of them.
namespace bobbin::tools::test {

extern const std::string kGuideJson;   // guide 42: three steps with a caution in the first and the last
extern const std::string kSearchJson;  // two guides for "iPhone 6", one for another model, a wiki and a question
extern const std::string kDeviceJson;  // "iPhone 6": score 7, two guides, two children

// How many fields of objects `json` has, at any depth.
size_t count_fields(const std::string& json);
// `json` with its field number `index` (0-based, in order) left out, or with `replacement` as its value.
std::string with_field(const std::string& json, size_t index, const std::string* replacement);
// The name of that field.
std::string field_name(const std::string& json, size_t index);

// A toolbox with the iFixit tools, and a server that they ask.
struct IfixitWorld {
  IfixitWorld();
  ToolResult search(const std::string& arguments) { return tools.call("ifixit_search_guides", arguments); }
  ToolResult guide(const std::string& arguments) { return tools.call("ifixit_get_guide", arguments); }
  ToolResult device(const std::string& arguments) { return tools.call("ifixit_get_device", arguments); }

  // What each answers with; whole answers with their heads.
  std::string search_answer = answer("200 OK", kSearchJson);
  std::string guide_answer = answer("200 OK", kGuideJson);
  std::string device_answer = answer("200 OK", kDeviceJson);
  RouteServer server;
  ToolWorld tools;
};

}  // namespace bobbin::tools::test
