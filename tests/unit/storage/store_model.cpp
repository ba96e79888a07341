#include "tests/unit/storage/store_model.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <tuple>

#include "src/base/limits.h"

namespace bobbin::store::test {

void Step::on_committed(Result<Reply> result) noexcept {
  reply = std::move(result);
  burst.close_one();
}

std::string describe(const Result<Reply>& reply) {
  if (!reply) return std::string("error ") + code_name(reply.error().code);
  std::string text;
  const auto run = [&](const std::optional<StartedRun>& started) {
    text += started ? " run " + started->run_id.to_string() + " inc " + std::to_string(started->incarnation) +
                          " after " + std::to_string(started->user_depth - 1) + " says " + started->content
                    : " no run";
  };
  if (const auto* submitted = std::get_if<Submitted>(&*reply)) {
    text = "submitted " + std::to_string(submitted->position) + (submitted->thread_created ? " created" : "");
    run(submitted->run);
  } else if (const auto* finished = std::get_if<Finished>(&*reply)) {
    text = finished->applied ? "finished" : "dead";
    run(finished->next);
  } else if (const auto* started = std::get_if<StartedNext>(&*reply)) {
    text = "started";
    run(started->run);
  } else if (const auto* cancelled = std::get_if<Cancelled>(&*reply)) {
    text = cancelled->found ? "cancelled" : "nothing to cancel";
  } else if (const auto* title = std::get_if<TitleSet>(&*reply)) {
    text = title->applied ? "titled" : "title left";
  } else if (std::holds_alternative<Done>(*reply)) {
    text = "done";
  } else {
    const auto& deleted = std::get<Deleted>(*reply);
    text = "deleted " + std::to_string(deleted.sessions) + " " + std::to_string(deleted.messages) + " runs " +
           std::to_string(deleted.cancelled.size());
  }
  return text;
}

std::string Model::apply(const Command& command, int parent_index) {
  if (const auto* submit = std::get_if<Submit>(&command)) return apply_one(*submit, parent_index);
  if (const auto* finish = std::get_if<FinishRun>(&command)) return apply_one(*finish);
  if (const auto* start = std::get_if<StartNext>(&command)) return apply_one(*start);
  if (const auto* cancel = std::get_if<CancelQueued>(&command)) return apply_one(*cancel);
  if (const auto* one = std::get_if<DeleteThread>(&command)) return apply_one(*one);
  if (const auto* expire = std::get_if<ExpireThread>(&command)) return apply_one(*expire);
  if (const auto* move = std::get_if<MoveFollower>(&command)) return apply_one(*move);
  if (const auto* title = std::get_if<SetTitle>(&command)) return apply_one(*title);
  return apply_one(std::get<DeleteUserThreads>(command));
}

void Model::reopen(const std::map<Uuid, std::string>& said) {
  std::vector<Key> keys;
  for (const auto& [key, thread] : threads) {
    if (thread.active) keys.push_back(key);
  }
  // In the order of the store's keys, which begin with their sizes.
  std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) {
    return std::tuple(a.first.size(), a.first, a.second.size(), a.second) <
           std::tuple(b.first.size(), b.first, b.second.size(), b.second);
  });
  for (const Key& key : keys) {
    ModelThread& thread = threads[key];
    ++sequence;
    bury(thread.incarnation, *thread.active);
    if (const auto text = said.find(*thread.active); text != said.end() && !text->second.empty()) {
      thread.messages.push_back({text->second, thread.active_question});
      thread.leaf = static_cast<int>(thread.messages.size()) - 1;
      thread.activity = ++activity_;
    }
    thread.active.reset();
  }
}

void Model::bury(uint64_t incarnation, const Uuid& run_id) {
  if (dead.size() >= kDeadMax) dead.erase(dead.begin(), dead.begin() + kDeadMax / 2);
  dead.emplace_back(incarnation, run_id);
}

uint64_t Model::active_runs() const {
  uint64_t active = 0;
  for (const auto& [key, thread] : threads) active += thread.active ? 1 : 0;
  return active;
}

std::string Model::started(ModelThread& thread, const Uuid& run_id, const std::string& content, int parent) {
  ++sequence;
  thread.messages.push_back({content, parent});
  thread.leaf = thread.active_question = static_cast<int>(thread.messages.size()) - 1;
  thread.active = run_id;
  thread.activity = ++activity_;
  return " run " + run_id.to_string() + " inc " + std::to_string(thread.incarnation) + " after " +
         std::to_string(thread.branch().size() - 1) + " says " + content;
}
std::string Model::start_waiting(ModelThread& thread) {
  if (thread.active || thread.waiting.empty()) return " no run";
  const ModelWaiting next = thread.waiting.front();
  thread.waiting.pop_front();
  return started(thread, next.run_id, next.content, next.parent_mode == -2 ? thread.leaf : next.parent_mode);
}

std::string Model::apply_one(const Submit& command, int parent_index) {
  const Key key{command.user, command.thread};
  const auto known = threads.find(key);
  const bool exists = known != threads.end();
  int parent = -2;
  if (command.parent) {
    if (!command.parent->is_zero() && parent_index == kUnknownParent) return "error not_found";
    parent = parent_index;
  }
  if (exists && (known->second.active || !known->second.waiting.empty())) {
    if (command.on_busy == OnBusy::reject) return "error busy";
    if (known->second.waiting.size() >= limits::kThreadQueueMax) return "error queue_full";
    ++sequence;
    const ModelWaiting waiting{command.run_id, command.content, parent};
    if (command.on_busy == OnBusy::interrupt) {
      known->second.waiting.push_front(waiting);
      return "submitted 1 no run";
    }
    known->second.waiting.push_back(waiting);
    return "submitted " + std::to_string(known->second.waiting.size()) + " no run";
  }
  ModelThread& thread = threads[key];
  if (!exists) thread.incarnation = sequence + 1;
  const std::string run = started(thread, command.run_id, command.content, parent == -2 ? thread.leaf : parent);
  return std::string("submitted 0") + (exists ? "" : " created") + run;
}

std::string Model::apply_one(const FinishRun& command) {
  const auto known = threads.find({command.user, command.thread});
  if (known == threads.end() || known->second.incarnation != command.incarnation ||
      known->second.active != command.run_id) {
    return "dead no run";
  }
  ModelThread& thread = known->second;
  ++sequence;
  bury(thread.incarnation, command.run_id);
  thread.active.reset();
  if (command.answer) {
    thread.messages.push_back({command.answer->content, thread.active_question});
    thread.leaf = static_cast<int>(thread.messages.size()) - 1;
    thread.activity = ++activity_;
  }
  return "finished" + (command.start_next ? start_waiting(thread) : " no run");
}

std::string Model::apply_one(const StartNext& command) {
  const auto known = threads.find({command.user, command.thread});
  return "started" + (known == threads.end() ? " no run" : start_waiting(known->second));
}

std::string Model::apply_one(const CancelQueued& command) {
  const auto known = threads.find({command.user, command.thread});
  if (known == threads.end()) return "nothing to cancel";
  const size_t removed = std::erase_if(known->second.waiting,
                                       [&](const ModelWaiting& waiting) { return waiting.run_id == command.run_id; });
  sequence += removed;
  return removed == 0 ? "nothing to cancel" : "cancelled";
}

std::string Model::apply_one(const DeleteThread& command) {
  const auto known = threads.find({command.user, command.thread});
  if (known == threads.end()) return "error not_found";
  return remove(known);
}

std::string Model::remove(std::map<Key, ModelThread>::iterator at) {
  ++sequence;
  const ModelThread& thread = at->second;
  if (thread.active) bury(thread.incarnation, *thread.active);
  std::string answer = "deleted 1 " + std::to_string(thread.messages.size()) + " runs " +
                       std::to_string(thread.waiting.size() + (thread.active ? 1 : 0));
  threads.erase(at);
  return answer;
}

// The walk's expiries are due at any time, or never.
std::string Model::apply_one(const ExpireThread& command) {
  const auto known = threads.find({command.user, command.thread});
  const bool is_due = known != threads.end() && known->second.incarnation == command.incarnation &&
                      !known->second.active && known->second.waiting.empty() && command.idle_since_us != 0;
  return is_due ? remove(known) : "deleted 0 0 runs 0";
}

std::string Model::apply_one(const MoveFollower& command) {
  if (command.position > sequence) return "error invalid";
  follower = command.position;
  return "done";
}

std::string Model::apply_one(const SetTitle& command) {
  const auto known = threads.find({command.user, command.thread});
  const bool is_there =
      known != threads.end() && (command.incarnation == 0 || command.incarnation == known->second.incarnation);
  if (!is_there) return "error not_found";
  ModelThread& thread = known->second;
  const bool is_users = command.by == TitleBy::user;
  const bool is_left =
      thread.title && (!is_users || (thread.title_by == TitleBy::user && *thread.title == command.title));
  if (is_left) return "title left";
  ++sequence;
  thread.title = command.title;
  thread.title_by = command.by;
  return "titled";
}

std::string Model::apply_one(const DeleteUserThreads& command) {
  size_t sessions = 0;
  size_t messages = 0;
  size_t runs = 0;
  std::erase_if(threads, [&](const auto& entry) {
    if (entry.first.first != command.user) return false;
    ++sessions;
    messages += entry.second.messages.size();
    runs += entry.second.waiting.size() + (entry.second.active ? 1 : 0);
    return true;
  });
  if (sessions > 0) ++sequence;
  return "deleted " + std::to_string(sessions) + " " + std::to_string(messages) + " runs " + std::to_string(runs);
}

void check_like_model(Fixture& f, const Model& model, const std::string& user, uint32_t history_limit,
                      uint32_t sessions_limit) {
  std::vector<std::pair<uint64_t, std::string>> by_activity;
  for (const auto& [key, thread] : model.threads) {
    if (key.first != user) continue;
    by_activity.emplace_back(thread.activity, key.second);
    auto expected = thread.branch();
    const HistoryPage first = f.page(user, key.second, 1);
    CHECK_EQ(first.message_count, static_cast<uint32_t>(expected.size()));
    CHECK_EQ(first.incarnation, thread.incarnation);
    CHECK(first.active_run == thread.active);
    std::reverse(expected.begin(), expected.end());
    CHECK(f.history(user, key.second, history_limit) == expected);
    const auto waiting = CHECK_OK(f.store->read_queue(user, key.second, Tier::any));
    CHECK_EQ(waiting.size(), thread.waiting.size());
    for (size_t i = 0; i < waiting.size(); ++i) CHECK_EQ(waiting[i].content, thread.waiting[i].content);
    const ThreadSummary summary = *CHECK_OK(f.store->find_thread(user, key.second, Tier::any));
    CHECK_EQ(summary.total_messages, static_cast<uint64_t>(thread.messages.size()));
    CHECK_EQ(summary.title, thread.title.value_or(thread.messages[0].content.substr(0, limits::kTitleGraphemesMax)));
    CHECK_EQ((summary.flags & thread_flags::kTitleSet) != 0, thread.title && thread.title_by == TitleBy::user);
    // Contents are ASCII without blanks.
    CHECK_EQ(summary.preview,
             thread.messages[static_cast<size_t>(thread.leaf)].content.substr(0, limits::kPreviewGraphemesMax));
  }
  CHECK(CHECK_OK(f.store->follower_position(Model::kFollower)) == model.follower);
  std::sort(by_activity.rbegin(), by_activity.rend());
  std::vector<std::string> expected;
  expected.reserve(by_activity.size());
  for (const auto& [activity, thread] : by_activity) expected.push_back(thread);
  CHECK(f.sessions(user, sessions_limit) == expected);
}

Command CommandMaker::make(const Model& model, int& parent_index) {
  const std::string user = users_[below(users_.size())];
  const std::string thread = threads_[below(threads_.size())];
  const auto known = model.threads.find({user, thread});
  const size_t kind = below(100);
  if (kind < 45) {
    Submit submit;
    submit.user = user;
    submit.thread = thread;
    submit.run_id = run_number(++runs_);
    submit.content = "m" + std::to_string(runs_);
    constexpr std::array kChoices{OnBusy::reject, OnBusy::interrupt, OnBusy::queue, OnBusy::queue,
                                  OnBusy::queue,  OnBusy::queue,     OnBusy::queue, OnBusy::queue};
    submit.on_busy = kChoices[below(kChoices.size())];
    if (below(6) == 0)
      submit.parent =
          make_parent(known == model.threads.end() ? nullptr : &known->second, {user, thread}, parent_index);
    return submit;
  }
  if (kind < 88) {
    FinishRun finish;
    finish.user = user;
    finish.thread = thread;
    finish.start_next = below(5) != 0;
    if (below(6) != 0) finish.answer.emplace().content = "a" + std::to_string(++runs_);
    if (known != model.threads.end() && known->second.active && below(12) != 0) {
      finish.incarnation = known->second.incarnation;
      finish.run_id = *known->second.active;
      if (below(12) == 0) ++finish.incarnation;  // of a thread that was never there
    } else if (!model.dead.empty()) {            // a run that ended, or whose thread was deleted
      const auto& [incarnation, run_id] = model.dead[below(model.dead.size())];
      finish.incarnation = incarnation;
      finish.run_id = run_id;
    }
    return finish;
  }
  if (kind < 91) return StartNext{user, thread};
  if (kind < 93) return MoveFollower{Model::kFollower, below(model.sequence + 2)};
  if (kind < 94) {
    const uint64_t incarnation = known == model.threads.end() ? 1 : known->second.incarnation;
    return SetTitle{.user = user,
                    .thread = thread,
                    .incarnation = below(3) == 0 ? 0 : incarnation + (below(6) == 0 ? 1 : 0),
                    .title = "title" + std::to_string(below(4)),
                    .by = below(2) == 0 ? TitleBy::model : TitleBy::user};
  }
  if (kind < 97) {
    CancelQueued cancel{user, thread, run_number(1 + static_cast<uint32_t>(below(runs_ + 1))), "", 0};
    if (known != model.threads.end() && !known->second.waiting.empty()) {
      cancel.run_id = known->second.waiting[below(known->second.waiting.size())].run_id;
    }
    return cancel;
  }
  if (below(12) == 0) return DeleteUserThreads{user};
  if (below(4) == 0) {
    const uint64_t incarnation = known == model.threads.end() ? 1 : known->second.incarnation;
    const int64_t idle_since_us = below(6) == 0 ? 0 : std::numeric_limits<int64_t>::max();
    return ExpireThread{user, thread, below(6) == 0 ? incarnation + 1 : incarnation, idle_since_us};
  }
  return DeleteThread{user, thread};
}

Uuid CommandMaker::make_parent(const ModelThread* thread, const Key& key, int& parent_index) {
  parent_index = Model::kUnknownParent;
  if (below(4) == 0) {
    parent_index = -1;
    return Uuid{};
  }
  if (thread != nullptr && !thread->messages.empty()) {
    const auto ids = ids_.find(key);
    if (ids != ids_.end() && ids->second.first == thread->incarnation && !ids->second.second.empty()) {
      const auto it = std::next(ids->second.second.begin(), static_cast<long>(below(ids->second.second.size())));
      for (size_t i = 0; i < thread->messages.size(); ++i) {
        if (thread->messages[i].content == it->first) parent_index = static_cast<int>(i);
      }
      return it->second;
    }
  }
  return make_uuid_v4();
}

void CommandMaker::learn_ids(Fixture& f, const Model& model) {
  if (model.threads.empty() || below(3) != 0) return;
  const auto it = std::next(model.threads.begin(), static_cast<long>(below(model.threads.size())));
  const HistoryPage page = f.page(it->first.first, it->first.second, 20);
  auto& [incarnation, ids] = ids_[it->first];
  if (incarnation != page.incarnation) ids.clear();
  incarnation = page.incarnation;
  for (const MessageView& message : page.messages) ids[std::string(message.content)] = message.id;
}

void CommandMaker::move_clock() {
  switch (below(10)) {
    case 0: fake_wall_us -= static_cast<int64_t>(below(5'000'000)); break;
    case 1: fake_wall_us += static_cast<int64_t>(below(200'000'000)); break;
    default: advance_us(static_cast<int64_t>(below(3))); break;
  }
}

uint64_t from_environment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets any
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace bobbin::store::test
