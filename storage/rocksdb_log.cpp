#include "storage/rocksdb_log.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <string_view>

#include "src/base/log.h"

namespace bobbin::store {
namespace {

// Longer lines are cut: what matters stands at their beginning.
constexpr size_t kLineBytesMax = 2048;

class RocksdbLog final : public rocksdb::Logger {
 public:
  RocksdbLog() : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}

  void LogHeader(const char*, va_list) override {}
  void Logv(const char* format, va_list arguments) override {
    Logv(rocksdb::InfoLogLevel::INFO_LEVEL, format, arguments);
  }
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level < GetInfoLogLevel() || level > rocksdb::InfoLogLevel::FATAL_LEVEL) return;
    // Warned of whenever two hold the files, as each backup does: nothing that anybody must know.
    if (std::string_view(format).find("] File Deletions ") != std::string_view::npos) return;
    char line[kLineBytesMax];
    const int bytes = std::vsnprintf(line, sizeof line, format, arguments);
    if (bytes <= 0) return;
    std::string_view text(line, std::min(static_cast<size_t>(bytes), sizeof line - 1));
    while (text.ends_with('\n')) text.remove_suffix(1);
    log::write(level == rocksdb::InfoLogLevel::WARN_LEVEL ? log::Level::warn : log::Level::error, "rocksdb",
               {{"says", text}});
  }
};

}  // namespace

std::shared_ptr<rocksdb::Logger> make_rocksdb_log() { return std::make_shared<RocksdbLog>(); }

}  // namespace bobbin::store
