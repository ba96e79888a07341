#include "src/tools/toolbox.h"

#include <utility>

#include "src/base/text.h"
#include "src/loop/deadline_scope.h"
#include "src/loop/spawn.h"
#include "src/tools/clip.h"

namespace bobbin::tools {
namespace {

// A scope that ends with either of two.
class EitherScope final : private CancelHook {
 public:
  EitherScope(CancelScope& outer, CancelScope& closing) : closing_hook_(*this) {
    watch(outer);
    closing_hook_.begin(closing);
  }
  CancelScope& scope() noexcept { return *inner_; }

 private:
  class Hook final : public CancelHook {
   public:
    explicit Hook(EitherScope& owner) : owner_(owner) {}
    void begin(CancelScope& scope) { watch(scope); }

   private:
    void on_cancel() noexcept override { owner_.on_cancel(); }
    EitherScope& owner_;
  };
  void on_cancel() noexcept override {
    const std::shared_ptr<CancelScope> scope = inner_;  // whoever is woken may destroy this object
    scope->request();
  }
  const std::shared_ptr<CancelScope> inner_ = std::make_shared<CancelScope>();
  Hook closing_hook_;
};

// What a server says of its progress is neither clean nor rare.
class CleanProgress final : public ToolProgress {
 public:
  CleanProgress(ToolProgress& progress, const CancelScope& scope) : progress_(progress), scope_(scope) {}
  void on_status(std::string_view text) noexcept override {
    if (scope_.is_requested() || count_ >= Toolbox::kStatusesMax) return;
    std::string line = to_status_line(text);
    if (line.empty() || line == last_) return;
    ++count_;
    last_ = std::move(line);
    progress_.on_status(last_);
  }

 private:
  ToolProgress& progress_;
  const CancelScope& scope_;
  std::string last_;
  size_t count_ = 0;
};

ToolResult cleaned(ToolResult result, size_t bytes_max) {
  if (!is_utf8(result.content)) result.content = to_utf8_lossy(result.content);
  result.content = clip_result(std::move(result.content), bytes_max);
  result.summary = to_excerpt(result.summary);  // room for a link
  if (result.summary.empty()) result.summary = result.is_error ? "failed" : "done";
  return result;
}

std::string seconds(uint32_t ms) {
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

}  // namespace

ToolResult tool_error(std::string sentence) {
  ToolResult result{.content = std::move(sentence), .is_error = true, .summary = {}};
  result.summary = to_status_line(result.content);
  return result;
}

void Toolbox::add(std::shared_ptr<Tool> tool) {
  own_.push_back(std::move(tool));
  name_tools();
}

void Toolbox::add(std::unique_ptr<ToolProvider> provider) { providers_.push_back(std::move(provider)); }

Task<void> Toolbox::refresh_one(ToolProvider* provider, CancelScope* scope) const {
  DeadlineScope limits(loop_, *scope);
  limits.end_in(kListMs);
  co_await provider->refresh(limits.scope());
}

Task<std::vector<ToolSpec>> Toolbox::specs(CancelScope& scope) {
  std::vector<ToolSpec> specs;
  if (calls_.is_closing()) co_return specs;
  calls_.enter();
  {
    // All at once: one dead server costs its time, not the sum.
    EitherScope either(scope, closing_);
    Gate asked;
    for (const auto& provider : providers_) spawn(asked, refresh_one(provider.get(), &either.scope()));
    co_await asked.close();
  }
  if (!providers_.empty()) name_tools();
  for (const std::string& name : order_) {
    ToolSpec spec = named_.find(name)->second->spec();
    spec.name = name;
    specs.push_back(std::move(spec));
  }
  calls_.leave();
  co_return specs;
}

void Toolbox::name_tools() {
  struct Candidate {
    std::shared_ptr<Tool> tool;
    std::string_view provider;
  };
  std::vector<Candidate> candidates;
  std::map<std::string_view, size_t> uses;
  candidates.reserve(own_.size());
  for (const auto& tool : own_) candidates.push_back({tool, {}});
  for (const auto& provider : providers_) {
    for (auto& tool : provider->tools()) candidates.push_back({std::move(tool), provider->name()});
  }
  for (const Candidate& candidate : candidates) ++uses[candidate.tool->spec().name];
  order_.clear();
  named_.clear();
  for (const Candidate& candidate : candidates) {
    if (order_.size() >= kToolsMax) break;
    std::string name = candidate.tool->spec().name;
    if (!candidate.provider.empty() && uses[name] > 1) {
      std::string prefixed(candidate.provider);
      prefixed.append("_").append(name);
      name = upstream::to_tool_name(prefixed);
    }
    // A prefix can make another clash, and cutting too: the first keeps the name.
    if (!named_.emplace(name, candidate.tool).second) continue;
    order_.push_back(std::move(name));
  }
}

std::shared_ptr<Tool> Toolbox::find(std::string_view name) const {
  const auto found = named_.find(name);
  return found == named_.end() ? nullptr : found->second;
}

Task<ToolResult> Toolbox::call(std::string name, std::string arguments, ToolProgress& progress, CancelScope& scope) {
  if (calls_.is_closing()) co_return tool_error("The server is shutting down; the tool was not called.");
  std::shared_ptr<Tool> tool = find(name);
  if (tool == nullptr) co_return tool_error("There is no tool called \"" + to_excerpt(name) + "\".");
  calls_.enter();
  ToolResult result;
  {
    EitherScope either(scope, closing_);
    const ToolLimits limits = tool->limits();
    result = cleaned(co_await call_tool(std::move(tool), std::move(arguments), progress, either.scope()),
                     limits.result_bytes_max);
  }
  calls_.leave();
  co_return result;
}

Task<ToolResult> Toolbox::call_tool(std::shared_ptr<Tool> tool, std::string arguments, ToolProgress& progress,
                                    CancelScope& scope) {
  if (arguments.size() > kArgumentsBytesMax) co_return tool_error("The arguments are too long.");
  // Models write nothing where a function has no parameters.
  if (arguments.find_first_not_of(" \t\r\n") == std::string::npos) arguments = "{}";
  const Result<JsonDocument> parsed = JsonDocument::parse(arguments);
  if (!parsed || !parsed->root().is_object())
    co_return tool_error("The arguments are not a JSON object; the tool was not called.");
  const uint32_t timeout_ms = tool->limits().timeout_ms;
  DeadlineScope limits(loop_, scope);
  limits.end_in(timeout_ms);
  CleanProgress clean(progress, limits.scope());
  ToolResult result = co_await tool->call(*parsed, clean, limits.scope());
  const bool is_late = limits.scope().is_requested() && !scope.is_requested();
  if (is_late && result.is_error) co_return tool_error("The tool did not finish within " + seconds(timeout_ms) + '.');
  co_return result;
}

Task<void> Toolbox::close() {
  closing_.request();
  co_await calls_.close();
  Gate closed;
  for (const auto& provider : providers_) spawn(closed, provider->close());
  co_await closed.close();
}

}  // namespace bobbin::tools
