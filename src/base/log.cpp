#include "src/base/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <ctime>
#include <memory>
#include <string>

#include "src/base/clock.h"
#include "src/base/json.h"

namespace bobbin::log {
namespace {

// Lines that may wait for a slow terminal before the oldest are dropped.
constexpr size_t kLinesWaitingMax = 8192;

struct State {
  std::shared_ptr<spdlog::logger> logger;
  Format format = Format::text;
};
State state;

spdlog::level::level_enum to_spdlog(Level level) noexcept {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

bool needs_quotes(std::string_view text) noexcept {
  if (text.empty()) return true;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte <= ' ' || byte == '"' || byte == '=' || byte == '\\' || byte >= 0x7f) return true;
  }
  return false;
}

void append_text_line(std::string& line, std::string_view event, std::initializer_list<Field> fields) {
  line.append(event);
  for (const Field& field : fields) {
    line.push_back(' ');
    line.append(field.name);
    line.push_back('=');
    if (field.kind == Field::Kind::integer) {
      json::append_int(line, field.integer);
    } else if (needs_quotes(field.text)) {
      json::append_string(line, field.text);
    } else {
      line.append(field.text);
    }
  }
}

void append_json_line(std::string& line, Level level, std::string_view event, std::initializer_list<Field> fields) {
  json::Object object(line);
  append_rfc3339(object.key("time").append("\""), wall_now_us());
  line.push_back('"');
  const spdlog::string_view_t name = spdlog::level::to_string_view(to_spdlog(level));
  object.field("level", std::string_view(name.data(), name.size())).field("event", event);
  for (const Field& field : fields) {
    if (field.kind == Field::Kind::integer) {
      object.number(field.name, field.integer);
    } else {
      object.field(field.name, field.text);
    }
  }
  object.close();
}

}  // namespace

void start(Level level, Format format) {
  spdlog::init_thread_pool(kLinesWaitingMax, 1);
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  state.logger = std::make_shared<spdlog::async_logger>("bobbin", std::move(sink), spdlog::thread_pool(),
                                                        spdlog::async_overflow_policy::overrun_oldest);
  state.logger->set_level(to_spdlog(level));
  state.logger->set_pattern(format == Format::json ? "%v" : "%Y-%m-%dT%H:%M:%S.%e%z %^%-7l%$ %v");
  state.logger->flush_on(spdlog::level::err);
  state.format = format;
}

void flush() noexcept {
  if (state.logger) state.logger->flush();
  // The background thread does the writing; it is given a moment to.
  const timespec moment{.tv_sec = 0, .tv_nsec = 100'000'000};
  nanosleep(&moment, nullptr);
}

void stop() noexcept {
  if (!state.logger) return;
  state.logger->flush();
  state.logger.reset();
  spdlog::shutdown();
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  spdlog::logger* logger = state.logger ? state.logger.get() : nullptr;
  if (logger != nullptr && !logger->should_log(to_spdlog(level))) return;
  if (logger == nullptr && level < Level::info) return;
  std::string line;
  if (state.format == Format::json) {
    append_json_line(line, level, event, fields);
  } else {
    append_text_line(line, event, fields);
  }
  if (logger != nullptr) {
    logger->log(to_spdlog(level), spdlog::string_view_t(line));
  } else {  // before start(): command-line tools and tests
    line.push_back('\n');
    std::fwrite(line.data(), 1, line.size(), stderr);
  }
}

}  // namespace bobbin::log
