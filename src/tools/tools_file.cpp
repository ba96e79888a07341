#include <cstdio>
#include <cstdlib>
#include <memory>

#include "src/tools/tools_config.h"

namespace bobbin::tools {
namespace {

constexpr size_t kConfigBytesMax = size_t{1024} * 1024;
constexpr size_t kSecretBytesMax = 8 * 1024;

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

std::optional<std::string> read_whole_file(const std::string& path, size_t bytes_max) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "re"));
  if (file == nullptr) return std::nullopt;
  std::string text(bytes_max + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0 || text.size() > bytes_max) return std::nullopt;
  return text;
}

class SystemSecrets final : public SecretSource {
 public:
  explicit SystemSecrets(std::string folder) : folder_(std::move(folder)) {}
  std::optional<std::string> read_file(const std::string& path) const override {
    return read_whole_file(path.starts_with('/') ? path : folder_ + path, kSecretBytesMax);
  }
  std::optional<std::string> environment(const std::string& name) const override {
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): before there are threads
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  }

 private:
  const std::string folder_;  // empty, or with its slash
};

}  // namespace

std::optional<ToolsConfig> load_tools_config(const std::string& path, std::string& complaint) {
  if (path.empty()) return ToolsConfig();
  const std::optional<std::string> text = read_whole_file(path, kConfigBytesMax);
  if (!text) {
    complaint = "cannot read the file";
    return std::nullopt;
  }
  return parse_tools_config(*text, SystemSecrets(path.substr(0, path.rfind('/') + 1)), complaint);
}

}  // namespace bobbin::tools
