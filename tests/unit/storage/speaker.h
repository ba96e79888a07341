#pragma once

#include <map>
#include <memory>
#include <string>

#include "tests/unit/storage/store_model.h"

namespace bobbin::store::test {

// Lets the running answers of a walk say tokens into the run log, and knows afterwards what must be left of them.
class Speaker {
 public:
  // The store has been opened; what was said before is forgotten.
  void begin(Store& store) {
    said_.clear();
    log_ = store.run_log().make_writer();
  }
  // Before the store goes.
  void end() { log_.reset(); }

  // Some running answers go on. Errors: as RunLogWriter::flush.
  Result<void> say(const Model& model, CommandMaker& maker) {
    for (const auto& [key, thread] : model.threads) {
      if (!thread.active || maker.below(3) != 0) continue;
      Said& said = said_[*thread.active];
      const std::string token = std::to_string(maker.below(1000)) + ".";
      log_->append(*thread.active, ++said.events, RunLogKind::token, token);
      said.text += token;
    }
    TRY(log_->flush());
    for (auto& [run_id, said] : said_) said.told_bytes = said.text.size();
    return {};
  }
  Result<void> sync(Store& store) {
    TRY(store.run_log().sync());
    for (auto& [run_id, said] : said_) said.synced_bytes = said.told_bytes;
    return {};
  }
  // Runs that are over need their tokens no more.
  void end_runs(const Model& model) {
    std::erase_if(said_, [&](const auto& entry) {
      const bool is_active = std::any_of(model.threads.begin(), model.threads.end(),
                                         [&](const auto& thread) { return thread.second.active == entry.first; });
      if (!is_active) log_->end_run(entry.first);
      return !is_active;
    });
  }

  enum class Survived : uint8_t { what_was_told, what_was_synced };
  // What the store that was opened again has of the runs that were active in `model`: at least what survives, and
  // nothing that was not said.
  std::map<Uuid, std::string> check_recovered(Fixture& f, const Model& model, Survived survived) {
    std::map<Uuid, std::string> texts;
    for (const auto& [key, thread] : model.threads) {
      if (!thread.active) continue;
      const auto run = CHECK_OK(f.store->find_run(key.first, key.second, *thread.active, Tier::any));
      CHECK(run.has_value());
      CHECK(run->state == RunState::interrupted);
      const HistoryPage page = f.page(key.first, key.second, 1);
      const bool has_answer = page.messages.at(0).id == run->message_id;
      if (has_answer) CHECK(page.messages[0].status == MessageStatus::interrupted);
      const std::string text(has_answer ? page.messages[0].content : "");
      const Said& said = said_[*thread.active];
      CHECK(said.text.starts_with(text));
      CHECK(text.size() >= (survived == Survived::what_was_told ? said.told_bytes : said.synced_bytes));
      texts[*thread.active] = text;
    }
    return texts;
  }

 private:
  struct Said {
    std::string text;       // also what a failed flush left nobody to be told of
    size_t told_bytes = 0;  // flushed
    size_t synced_bytes = 0;
    uint64_t events = 0;
  };
  std::unique_ptr<RunLogWriter> log_;
  std::map<Uuid, Said> said_;
};

}  // namespace bobbin::store::test
