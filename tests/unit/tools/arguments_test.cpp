#include "src/tools/arguments.h"

#include "tests/support/test.h"

// What of a schema is checked before a tool is called.
namespace bobbin::tools {
namespace {

std::string fault(std::string_view schema, std::string_view arguments) {
  const JsonDocument schema_document = CHECK_OK(JsonDocument::parse(schema));
  const JsonDocument document = CHECK_OK(JsonDocument::parse(arguments));
  return find_argument_fault(schema_document.root(), document.root()).value_or("");
}

constexpr std::string_view kSchema =
    R"({"type":"object","required":["a"],"properties":{"a":{"type":"integer"},"b":{"type":["string","null"]},)"
    R"("c":{"enum":["x",2]},"d":{"type":"number"},"e":{"type":"object"},"f":{"type":"array"},"g":{"type":"boolean"},"h":{}}})";

TEST_CASE(arguments_that_fit_have_no_fault) {
  for (const char* good : {R"({"a":1})", R"({"a":1.0,"b":null,"c":2,"d":1.5,"e":{},"f":[],"g":false,"h":[1]})",
                           R"({"a":-3,"b":"text","c":"x","unknown":true})"})
    CHECK_EQ(fault(kSchema, good), "");
}

TEST_CASE(first_fault_is_a_sentence_with_the_name) {
  CHECK_EQ(fault(kSchema, "{}"), "The argument \"a\" is missing.");
  CHECK_EQ(fault(kSchema, R"({"a":"1"})"), "The argument \"a\" must be of type integer.");
  CHECK_EQ(fault(kSchema, R"({"a":1.5})"), "The argument \"a\" must be of type integer.");
  CHECK_EQ(fault(kSchema, R"({"a":1,"b":2})"), "The argument \"b\" must be of type string or null.");
  CHECK_EQ(fault(kSchema, R"({"a":1,"c":"y"})"), "The argument \"c\" must be one of [\"x\",2].");
  CHECK_EQ(fault(kSchema, R"({"a":1,"d":true})"), "The argument \"d\" must be of type number.");
  CHECK_EQ(fault(kSchema, R"({"a":1,"e":[]})"), "The argument \"e\" must be of type object.");
  CHECK_EQ(fault(kSchema, R"({"a":1,"f":{}})"), "The argument \"f\" must be of type array.");
  CHECK_EQ(fault(kSchema, R"({"a":1,"g":0})"), "The argument \"g\" must be of type boolean.");
}

TEST_CASE(schema_of_any_shape_is_survived) {
  for (const char* schema : {"{}", "[]", "null", R"({"required":"a","properties":[]})", R"({"required":[1,null]})",
                             R"({"properties":{"a":7,"b":{"type":7,"enum":"x"}}})"})
    static_cast<void>(fault(schema, R"({"a":1,"b":"x"})"));
  CHECK_EQ(fault(R"({"properties":{"a":7,"b":{"type":7,"enum":"x"}}})", R"({"a":1,"b":"x"})"), "");
}

}  // namespace
}  // namespace bobbin::tools
