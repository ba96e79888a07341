#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

// TEST_CASE and CHECK on top of cmocka. A failed CHECK throws, the runner catches it outside the case's stack frame and
// tells cmocka: so destructors run, where cmocka's own asserts would jump over them.
namespace bobbin::test {

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using CaseFunction = void (*)();
struct Registration {
  Registration(const char* name, CaseFunction function);
};

[[noreturn]] void fail_check(const char* file, int line, const std::string& message);

template <class T>
std::string describe(const T& value) {
  if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return '"' + std::string(std::string_view(value)) + '"';
  } else if constexpr (std::is_enum_v<T>) {
    return std::to_string(static_cast<long long>(value));
  } else if constexpr (requires(std::ostream& out) { out << value; }) {
    std::ostringstream out;
    out << value;
    return out.str();
  } else {
    return "(a value)";
  }
}

}  // namespace bobbin::test

// A case states a fact: TEST_CASE(an_unknown_thread_is_an_empty_page) { … }
#define TEST_CASE(name)                                                        \
  static void name();                                                          \
  static const ::bobbin::test::Registration name##_registration(#name, &name); \
  static void name()

#define CHECK(condition)                                                                       \
  do {                                                                                         \
    if (!(condition)) ::bobbin::test::fail_check(__FILE__, __LINE__, "CHECK(" #condition ")"); \
  } while (false)

#define CHECK_EQ(actual, expected)                                                                                   \
  do {                                                                                                               \
    const auto check_actual = (actual);                                                                              \
    const auto check_expected = (expected);                                                                          \
    if (!(check_actual == check_expected))                                                                           \
      ::bobbin::test::fail_check(__FILE__, __LINE__,                                                                 \
                                 "CHECK_EQ(" #actual ", " #expected "): " + ::bobbin::test::describe(check_actual) + \
                                     " is not " + ::bobbin::test::describe(check_expected));                         \
  } while (false)

// The value of a Result, or a failed check that names its code.
#define CHECK_OK(expr)                                                                                             \
  [&](auto check_result) {                                                                                         \
    if (!check_result.has_value())                                                                                 \
      ::bobbin::test::fail_check(__FILE__, __LINE__,                                                               \
                                 std::string(#expr " failed: ") + ::bobbin::code_name(check_result.error().code) + \
                                     ": " + check_result.error().detail);                                          \
    if constexpr (!std::is_void_v<typename decltype(check_result)::value_type>) return std::move(*check_result);   \
  }(expr)

#define CHECK_FAILS(expr, expected_code)                                                              \
  do {                                                                                                \
    auto check_result = (expr);                                                                       \
    if (check_result.has_value()) ::bobbin::test::fail_check(__FILE__, __LINE__, #expr " succeeded"); \
    CHECK_EQ(std::string(::bobbin::code_name(check_result.error().code)),                             \
             std::string(::bobbin::code_name(expected_code)));                                        \
  } while (false)
