#include "tests/unit/storage/store_model.h"

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
  } else {
    const auto& deleted = std::get<Deleted>(*reply);
    text = "deleted " + std::to_string(deleted.sessions) + " " + std::to_string(deleted.messages) + " runs " +
           std::to_string(deleted.cancelled.size());
  }
  return text;
}

}  // namespace bobbin::store::test
