// A fault that is there to be found: one byte too many is read behind a word that nobody types by chance. Where the
// runner does not find it within seconds, fuzzing does not work: no instrumentation, no sanitizer, or no time.

#include <memory>

#include "tests/fuzz/support/fuzz.h"

namespace bobbin::fuzz {

void run(std::string_view input) {
  // Letter by letter, each a branch of its own: that is what an input can get nearer to.
  if (input.size() < 6 || input[0] != 'b') return;
  if (input[1] != 'o') return;
  if (input[2] != 'b') return;
  if (input[3] != 'b') return;
  if (input[4] != 'i') return;
  if (input[5] != 'n') return;
  const auto bytes = std::make_unique<char[]>(input.size());
  touch({bytes.get(), input.size() + 1});
}

}  // namespace bobbin::fuzz
