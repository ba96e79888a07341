#include "bench/load/store_share.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "bench/load/child_process.h"
#include "bench/load/stream_client.h"
#include "bench/storage_pipeline.h"
#include "src/base/uuid.h"
#include "storage/store.h"

namespace bobbin::bench {
namespace {

// As many as may be under way at once, so that what they need meanwhile is little.
constexpr size_t kAtOnce = 16;
// What the first messages ever leave behind is not the price of a message.
constexpr size_t kFirst = 100;

void store_messages(store::Store& store, const std::string& round, size_t count, size_t question_bytes) {
  store::Pipeline pipeline(store);
  for (size_t i = 0; i < count; ++i) {
    store::Submit message;
    message.user = user_of(i);
    message.thread = round + '-' + std::to_string(i);
    message.created_us = wall_now_us();
    message.run_id = make_uuid_v7(static_cast<uint64_t>(message.created_us));
    message.content.assign(question_bytes, 'q');
    pipeline.send(std::move(message));
    if (i % kAtOnce == kAtOnce - 1) pipeline.drain();
  }
}

}  // namespace

void run_store(const std::string& directory, size_t messages, size_t question_bytes) {
  store::StoreOptions options;
  options.directory = directory;
  const auto store = store::must(store::Store::open(options), "open");
  store_messages(*store, "first", kFirst, question_bytes);
  const int64_t before = anonymous_bytes_of(getpid());
  store_messages(*store, "round", messages, question_bytes);
  std::printf("bytes %lld\n", static_cast<long long>(anonymous_bytes_of(getpid()) - before));
  std::fflush(stdout);
  std::_Exit(0);
}

}  // namespace bobbin::bench
