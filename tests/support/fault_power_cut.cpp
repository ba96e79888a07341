// What a power cut leaves of the files of a FaultFileSystem.
#include <filesystem>
#include <fstream>

#include "tests/support/fault_file_system.h"

namespace bobbin::test {
namespace {

// Puts a file of its own in the place of `path`: the dead store still has the old one open, and closing that sets its
// size to what was written.
void detach(const std::string& path) {
  const std::string copy = path + ".cut";
  std::filesystem::copy_file(path, copy);
  std::filesystem::rename(copy, path);
}

}  // namespace

void FaultFileSystem::lose_power(Cut cut, uint32_t seed) {
  const std::lock_guard lock(mutex_);
  dead_ = true;
  moved_.notify_all();
  random_.seed(seed);
  for (auto& [directory, changes] : changes_) {
    const size_t kept = cut == Cut::pessimistic ? 0 : random_() % (changes.size() + 1);
    while (changes.size() > kept) {
      undo(changes.back());
      changes.pop_back();
    }
  }
  changes_.clear();
  std::map<const FileState*, std::string> cut_files;  // a file may have two names
  for (const auto& [path, state] : files_) {
    if (!std::filesystem::exists(path) || (state->written <= state->synced && state->cut_tail.empty())) continue;
    if (const auto [first, is_new] = cut_files.try_emplace(state.get(), path); !is_new) {
      std::filesystem::remove(path);
      std::filesystem::create_hard_link(first->second, path);
      continue;
    }
    detach(path);
    cut_file(path, *state, cut);
  }
  files_.clear();
}

void FaultFileSystem::undo(NameChange& change) {
  if (change.kind == NameChange::Kind::renamed) {
    if (std::filesystem::exists(change.path)) std::filesystem::rename(change.path, change.from);
    if (const auto known = files_.find(change.path); known != files_.end()) {
      files_[change.from] = known->second;
      files_.erase(change.path);
    }
  } else if (change.kind == NameChange::Kind::made) {
    std::filesystem::remove_all(change.path);
    files_.erase(change.path);
  }
  if (change.shadow.empty()) return;
  std::filesystem::rename(change.shadow, change.path);
  files_[change.path] = change.shadow_state;
}

void FaultFileSystem::cut_file(const std::string& path, const FileState& state, Cut cut) {
  if (!state.cut_tail.empty() && (cut == Cut::pessimistic || random_() % 2 == 0)) {
    std::filesystem::resize_file(path, state.cut_at);
    std::ofstream file(path, std::ios::binary | std::ios::app);
    file.write(state.cut_tail.data(), static_cast<std::streamsize>(state.cut_tail.size()));
    return;
  }
  if (state.written <= state.synced) return;
  const uint64_t loose = state.written - state.synced;
  const uint64_t survives = cut == Cut::pessimistic ? 0 : random_() % (loose + 1);
  std::filesystem::resize_file(path, state.synced + survives);
  // Other files than logs end short: see Cut::torn.
  if (survives == 0 || !path.ends_with(".log") || (cut != Cut::torn && !state.lost)) return;
  // A size that reached the disk before its blocks did.
  const uint64_t hole = 1 + random_() % survives;
  std::string bytes(hole, '\0');
  if (random_() % 2 == 0) {
    for (char& byte : bytes) byte = static_cast<char>(random_());
  }
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(state.synced + survives - hole));
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace bobbin::test
