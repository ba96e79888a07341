#include "src/base/clock.h"

#include <chrono>

namespace bobbin {
namespace {

constexpr int64_t kLastUsOf9999 = 253'402'300'799'999'999;

void append_digits(std::string& out, uint32_t value, int digits) {
  char text[8];
  for (int i = digits - 1; i >= 0; --i) {
    text[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out.append(text, static_cast<size_t>(digits));
}

}  // namespace

int64_t wall_now_us() noexcept {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

int64_t steady_now_us() noexcept {
  using namespace std::chrono;
  return duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count();
}

void append_rfc3339(std::string& out, int64_t wall_us) {
  using namespace std::chrono;
  if (wall_us < 0) wall_us = 0;
  if (wall_us > kLastUsOf9999) wall_us = kLastUsOf9999;
  const sys_time<microseconds> time{microseconds(wall_us)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss<microseconds> clock(time - day);
  append_digits(out, static_cast<uint32_t>(static_cast<int>(date.year())), 4);
  out.push_back('-');
  append_digits(out, static_cast<unsigned>(date.month()), 2);
  out.push_back('-');
  append_digits(out, static_cast<unsigned>(date.day()), 2);
  out.push_back('T');
  append_digits(out, static_cast<uint32_t>(clock.hours().count()), 2);
  out.push_back(':');
  append_digits(out, static_cast<uint32_t>(clock.minutes().count()), 2);
  out.push_back(':');
  append_digits(out, static_cast<uint32_t>(clock.seconds().count()), 2);
  out.push_back('.');
  append_digits(out, static_cast<uint32_t>(clock.subseconds().count()), 6);
  out.push_back('Z');
}

}  // namespace bobbin
