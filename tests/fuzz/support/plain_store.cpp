#include "tests/fuzz/support/plain_store.h"

#include "tests/fuzz/support/fuzz.h"

namespace bobbin::fuzz {
namespace {

std::string run_words(const std::optional<store::StartedRun>& run) {
  if (!run) return ", no run";
  return ", run " + run->run_id.to_string() + " at depth " + std::to_string(run->user_depth) + ": " + run->content;
}

std::string deleted_words(size_t sessions, size_t messages, size_t runs) {
  return "deleted " + std::to_string(sessions) + " threads, " + std::to_string(messages) + " messages, " +
         std::to_string(runs) + " runs";
}

}  // namespace

std::string answer_words(const Result<store::Reply>& reply) {
  if (!reply) return code_name(reply.error().code);
  if (const auto* submitted = std::get_if<store::Submitted>(&*reply)) {
    if (submitted->state == store::Submitted::State::queued) return "queued " + std::to_string(submitted->position);
    FUZZ_CHECK(submitted->state == store::Submitted::State::started);
    return (submitted->thread_created ? "created" : "started") + run_words(submitted->run);
  }
  if (const auto* finished = std::get_if<store::Finished>(&*reply)) {
    return (finished->applied ? "finished" : "not applied") + run_words(finished->next);
  }
  if (const auto* next = std::get_if<store::StartedNext>(&*reply)) return "next" + run_words(next->run);
  if (const auto* cancelled = std::get_if<store::Cancelled>(&*reply))
    return cancelled->found ? "cancelled" : "not found";
  if (const auto* deleted = std::get_if<store::Deleted>(&*reply)) {
    return deleted_words(deleted->sessions, deleted->messages, deleted->cancelled.size());
  }
  if (const auto* title = std::get_if<store::TitleSet>(&*reply)) return title->applied ? "titled" : "title left";
  FUZZ_CHECK(std::holds_alternative<store::Done>(*reply));
  return "done";
}

std::vector<std::string> PlainStore::Thread::branch() const {
  std::vector<std::string> contents;
  for (int at = leaf; at >= 0; at = messages[static_cast<size_t>(at)].parent) {
    contents.push_back(messages[static_cast<size_t>(at)].content);
  }
  return contents;
}

std::string PlainStore::apply(const store::Command& command) {
  if (const auto* submit = std::get_if<store::Submit>(&command)) return apply_one(*submit);
  if (const auto* finish = std::get_if<store::FinishRun>(&command)) return apply_one(*finish);
  if (const auto* next = std::get_if<store::StartNext>(&command)) return apply_one(*next);
  if (const auto* cancel = std::get_if<store::CancelQueued>(&command)) return apply_one(*cancel);
  if (const auto* one = std::get_if<store::DeleteThread>(&command)) return apply_one(*one);
  if (const auto* all = std::get_if<store::DeleteUserThreads>(&command)) return apply_one(*all);
  if (const auto* title = std::get_if<store::SetTitle>(&command)) return apply_one(*title);
  return apply_one(std::get<store::ChangeSetting>(command));
}

void PlainStore::reopen() {
  for (auto& [key, thread] : threads) thread.active.reset();
}

std::string PlainStore::start(Thread& thread, const Waiting& turn) {
  thread.messages.push_back({turn.content, turn.is_root ? -1 : thread.leaf});
  thread.leaf = thread.question = static_cast<int>(thread.messages.size()) - 1;
  thread.active = turn.run_id;
  thread.activity = ++activity_;
  return ", run " + turn.run_id.to_string() + " at depth " + std::to_string(thread.branch().size()) + ": " +
         turn.content;
}

std::string PlainStore::start_waiting(Thread& thread) {
  if (thread.active || thread.waiting.empty()) return ", no run";
  const Waiting turn = thread.waiting.front();
  thread.waiting.pop_front();
  return start(thread, turn);
}

std::string PlainStore::apply_one(const store::Submit& command) {
  const Key key{command.user, command.thread};
  const bool exists = threads.contains(key);
  Thread& thread = threads[key];
  const Waiting turn{command.run_id, command.content, command.parent.has_value()};
  if (!thread.active && thread.waiting.empty()) return (exists ? "started" : "created") + start(thread, turn);
  if (command.on_busy == store::OnBusy::reject) return "busy";
  if (command.on_busy == store::OnBusy::interrupt) {
    thread.waiting.push_front(turn);
    return "queued 1";
  }
  thread.waiting.push_back(turn);
  return "queued " + std::to_string(thread.waiting.size());
}

std::string PlainStore::apply_one(const store::FinishRun& command) {
  const auto known = threads.find({command.user, command.thread});
  if (known == threads.end() || known->second.active != command.run_id) return "not applied, no run";
  Thread& thread = known->second;
  thread.active.reset();
  if (command.answer) {
    thread.messages.push_back({command.answer->content, thread.question});
    thread.leaf = static_cast<int>(thread.messages.size()) - 1;
    thread.activity = ++activity_;
  }
  return "finished" + (command.start_next ? start_waiting(thread) : ", no run");
}

std::string PlainStore::apply_one(const store::StartNext& command) {
  const auto known = threads.find({command.user, command.thread});
  return "next" + (known == threads.end() ? ", no run" : start_waiting(known->second));
}

std::string PlainStore::apply_one(const store::CancelQueued& command) {
  const auto known = threads.find({command.user, command.thread});
  if (known == threads.end()) return "not found";
  const size_t removed =
      std::erase_if(known->second.waiting, [&](const Waiting& turn) { return turn.run_id == command.run_id; });
  return removed > 0 ? "cancelled" : "not found";
}

std::string PlainStore::apply_one(const store::DeleteThread& command) {
  const auto known = threads.find({command.user, command.thread});
  if (known == threads.end()) return "not_found";
  const Thread& thread = known->second;
  std::string words =
      deleted_words(1, thread.messages.size(), thread.waiting.size() + (thread.active.has_value() ? 1 : 0));
  threads.erase(known);
  return words;
}

std::string PlainStore::apply_one(const store::DeleteUserThreads& command) {
  size_t sessions = 0;
  size_t messages = 0;
  size_t runs = 0;
  for (auto at = threads.begin(); at != threads.end();) {
    if (at->first.first != command.user) {
      ++at;
      continue;
    }
    ++sessions;
    messages += at->second.messages.size();
    runs += at->second.waiting.size() + (at->second.active ? 1 : 0);
    at = threads.erase(at);
  }
  return deleted_words(sessions, messages, runs);
}

std::string PlainStore::apply_one(const store::SetTitle& command) {
  const auto known = threads.find({command.user, command.thread});
  if (known == threads.end()) return "not_found";
  Thread& thread = known->second;
  const bool is_users = command.by == store::TitleBy::user;
  if (thread.title && (!is_users || (thread.title_is_users && *thread.title == command.title))) return "title left";
  thread.title = command.title;
  thread.title_is_users = is_users;
  return "titled";
}

std::string PlainStore::apply_one(const store::ChangeSetting& command) {
  if (command.json.empty()) {
    settings.erase({command.user, command.name});
  } else {
    settings[{command.user, command.name}] = command.json;
  }
  return "done";
}

}  // namespace bobbin::fuzz
