#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "src/base/result.h"

// One line per event on standard error, as text for people or as JSON for machines. Thread-safe; lines are handed to a
// background thread, so that a blocked terminal never stops a loop (the oldest waiting lines are dropped then).
namespace bobbin::log {

enum class Level : uint8_t { debug, info, warn, error };
enum class Format : uint8_t { text, json };

struct Field {
  enum class Kind : uint8_t { text, integer };
  std::string_view name;
  Kind kind;
  std::string_view text;
  int64_t integer = 0;

  Field(std::string_view name_in, std::string_view text_in) : name(name_in), kind(Kind::text), text(text_in) {}
  Field(std::string_view name_in, const char* text_in) : Field(name_in, std::string_view(text_in)) {}
  template <class Int>
    requires std::is_integral_v<Int>
  Field(std::string_view name_in, Int value)
      : name(name_in), kind(Kind::integer), integer(static_cast<int64_t>(value)) {}
};

// Before the first thread starts. Without it, lines go out as text from level info.
void start(Level level, Format format);
// Writes what waits and ends. No other thread may be logging.
void stop() noexcept;
// Writes what waits, for at most a moment: for a process that ends at once, whatever its threads do.
void flush() noexcept;

// `event` says what happened; values are quoted and escaped where they would break the line, so that no client can
// forge one.
void write(Level level, std::string_view event, std::initializer_list<Field> fields = {});

inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::debug, event, fields);
}
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::info, event, fields);
}
inline void warn(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::warn, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::error, event, fields);
}

}  // namespace bobbin::log
