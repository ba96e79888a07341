#pragma once

#include "storage/watch.h"

namespace bobbin::cli {

// Tells on standard error how far a work is: one line that is drawn over on a terminal, now and then a line elsewhere,
// nothing when `quiet`. SIGINT and SIGTERM, from the making of the first one on, say that nobody wants the work any
// more; a second signal ends the process.
class ConsoleWatch final : public store::Watch {
 public:
  explicit ConsoleWatch(bool quiet);
  ~ConsoleWatch() override { clear(); }
  ConsoleWatch(const ConsoleWatch&) = delete;
  ConsoleWatch& operator=(const ConsoleWatch&) = delete;

  bool is_cancelled() noexcept override;
  void on_progress(const store::Progress& progress) noexcept override;
  // Takes the line off the terminal: before anything else is printed.
  void clear() noexcept;

 private:
  const bool quiet_;
  const bool terminal_;
  bool drawn_ = false;
  int64_t told_us_ = 0;
};

}  // namespace bobbin::cli
