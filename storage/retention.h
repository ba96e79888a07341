#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

// How long threads are kept after their last message. Three may say it: the thread itself (a temporary chat), its user,
// the server; the shortest holds.
namespace bobbin::store {

// The user's limit is this setting: a JSON integer of whole days, 1..kKeepDaysMax. Without it the user sets none.
inline constexpr std::string_view kKeepDaysSetting = "keep_days";
inline constexpr uint32_t kKeepDaysMax = 36'500;  // as seconds it fits the summary's le32
inline constexpr uint32_t kSecondsPerDay = 24 * 3600;

// Seconds after the last message; 0: for ever, for each of them.
constexpr uint32_t shortest_keep_s(uint32_t thread, uint32_t user, uint32_t server) noexcept {
  const auto shorter = [](uint32_t a, uint32_t b) { return a == 0 ? b : b == 0 ? a : std::min(a, b); };
  return shorter(shorter(thread, user), server);
}

}  // namespace bobbin::store
