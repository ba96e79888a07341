#include "src/auth/sign_in_delays.h"

#include <algorithm>
#include <utility>

#include "src/auth/digest.h"
#include "src/base/assert.h"
#include "src/net/address.h"

namespace bobbin::auth {
namespace {

// A household has one IPv4 address, or a /64 of IPv6 in which it is free to choose.
std::string network_of(std::string_view client) {
  const auto bytes = net::ip_bytes(client);
  if (!bytes) return std::string(client);
  const bool is_ipv4 = std::all_of(bytes->begin(), bytes->begin() + 10, [](unsigned char byte) { return byte == 0; }) &&
                       (*bytes)[10] == 0xff && (*bytes)[11] == 0xff;
  return {reinterpret_cast<const char*>(bytes->data()), is_ipv4 ? size_t{16} : size_t{8}};
}

// Hashed, so that each name costs the same whatever was sent.
std::string everywhere_name(std::string_view account) { return std::string("a").append(as_text(sha256(account))); }
std::string network_name(std::string_view client) { return "n" + network_of(client); }
std::string pair_name(std::string_view account, std::string_view client) {
  return std::string("p").append(as_text(sha256(account))).append(network_of(client));
}

int64_t delay_after(uint32_t failures) noexcept {
  if (failures < SignInDelays::kFreeFailures) return 0;
  const uint32_t doublings = std::min(failures - SignInDelays::kFreeFailures, 16u);
  return std::min(SignInDelays::kFirstDelayMs << doublings, SignInDelays::kDelayMsMax);
}

}  // namespace

SignInDelays::SignInDelays(size_t entries_max) : entries_max_(entries_max) { BOBBIN_ASSERT(entries_max >= 8); }

std::optional<int64_t> SignInDelays::begin(std::string_view account, std::string_view client, int64_t now_ms) {
  const std::scoped_lock lock(mutex_);
  Entry& pair = find_or_make(pair_name(account, client), now_ms);
  const int64_t delay_ms = delay_after(pair.failures + pair.begun);
  const int64_t judged_ms = delay_ms == 0 ? now_ms : std::max(now_ms, pair.next_free_ms) + delay_ms;
  if (judged_ms - now_ms > kDelayMsMax) return std::nullopt;
  ++pair.begun;
  pair.last_attempt_ms = judged_ms;
  pair.next_free_ms = judged_ms;
  bool is_attacked = false;
  for (const std::string& name : {network_name(client), everywhere_name(account)}) {
    const Entry* entry = find(name, now_ms);
    is_attacked = is_attacked || (entry != nullptr && entry->failures >= kFreeFailuresAround);
  }
  return std::max(judged_ms - now_ms, is_attacked ? kDelayAroundMs : 0);
}

void SignInDelays::end(std::string_view account, std::string_view client, Outcome outcome, int64_t now_ms) {
  const std::scoped_lock lock(mutex_);
  const std::string pair = pair_name(account, client);
  Entry* entry = find(pair, now_ms);
  if (entry != nullptr && entry->begun > 0) --entry->begun;
  // Only what it knows of this account: whoever has one account of ours could else clear the network's count between
  // guesses at others.
  if (outcome == Outcome::succeeded) entries_.erase(pair);
  if (outcome == Outcome::failed) add_failure(account, client, now_ms);
}

void SignInDelays::count_failure(std::string_view account, std::string_view client, int64_t now_ms) {
  const std::scoped_lock lock(mutex_);
  add_failure(account, client, now_ms);
}

bool SignInDelays::enter_hashing(std::string_view client) {
  const std::scoped_lock lock(mutex_);
  uint32_t& count = hashing_[network_of(client)];
  if (count >= kHashingPerNetworkMax) return false;
  ++count;
  return true;
}

void SignInDelays::leave_hashing(std::string_view client) {
  const std::scoped_lock lock(mutex_);
  const auto found = hashing_.find(network_of(client));
  BOBBIN_ASSERT(found != hashing_.end() && found->second > 0);
  if (--found->second == 0) hashing_.erase(found);
}

void SignInDelays::add_failure(std::string_view account, std::string_view client, int64_t now_ms) {
  for (const std::string& name : {pair_name(account, client), network_name(client), everywhere_name(account)}) {
    Entry& failed = find_or_make(name, now_ms);
    ++failed.failures;
    failed.last_attempt_ms = std::max(failed.last_attempt_ms, now_ms);
  }
}

SignInDelays::Entry* SignInDelays::find(const std::string& name, int64_t now_ms) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return nullptr;
  if (now_ms - found->second.last_attempt_ms < kForgetMs) return &found->second;
  entries_.erase(found);
  return nullptr;
}

SignInDelays::Entry& SignInDelays::find_or_make(const std::string& name, int64_t now_ms) {
  if (Entry* entry = find(name, now_ms); entry != nullptr) return *entry;
  make_room(now_ms);
  Entry& entry = entries_[name];
  entry.last_attempt_ms = now_ms;
  return entry;
}

void SignInDelays::make_room(int64_t now_ms) {
  if (entries_.size() < entries_max_) return;
  std::erase_if(entries_, [&](const auto& each) { return now_ms - each.second.last_attempt_ms >= kForgetMs; });
  if (entries_.size() < entries_max_) return;
  // An attacker with many addresses. Those that failed least make room first, so the counts of the persistent stay.
  uint32_t least = UINT32_MAX;
  for (const auto& [name, entry] : entries_) least = std::min(least, entry.failures);
  size_t to_go = entries_max_ / 4;
  std::erase_if(entries_, [&](const auto& each) {
    if (to_go == 0 || each.second.failures > least) return false;
    --to_go;
    return true;
  });
}

}  // namespace bobbin::auth
