#include "src/tools/toolbox.h"

#include "src/base/text.h"
#include "src/loop/sleep.h"
#include "src/loop/spawn.h"
#include "tests/unit/tools/tool_world.h"

// What the toolbox makes of tools of any behaviour, and how it names those of several servers.
namespace bobbin::tools::test {
namespace {

// Answers with what the test says, after a while.
struct ScriptedTool final : Tool {
  ScriptedTool(Loop& loop_in, std::string name, ToolResult result_in = {.content = "result"})
      : loop(loop_in),
        tool_spec{.name = std::move(name), .description = "d", .parameters = "{}"},
        result(std::move(result_in)) {}
  const ToolSpec& spec() const noexcept override { return tool_spec; }
  ToolLimits limits() const noexcept override { return tool_limits; }
  Task<ToolResult> call(const JsonDocument& arguments, ToolProgress& progress, CancelScope& scope) override {
    ++calls;
    seen = arguments.source();
    for (const std::string& line : statuses) progress.on_status(line);
    if (wait_ms > 0) {
      SleepOp sleep(loop, scope, wait_ms);
      if (!co_await sleep.run()) {
        progress.on_status("never shown");
        co_return ignores_cancel ? result : tool_error("cancelled");
      }
    }
    co_return result;
  }
  Loop& loop;
  ToolSpec tool_spec;
  ToolLimits tool_limits;
  ToolResult result;
  std::vector<std::string> statuses;
  uint64_t wait_ms = 0;
  bool ignores_cancel = false;
  int calls = 0;
  std::string seen;
};

struct ScriptedProvider final : ToolProvider {
  ScriptedProvider(Loop& loop_in, std::string name_in, std::vector<std::string> names)
      : loop(loop_in), provider_name(std::move(name_in)) {
    for (std::string& name : names) list.push_back(std::make_shared<ScriptedTool>(loop, std::move(name)));
  }
  std::string_view name() const noexcept override { return provider_name; }
  Task<void> refresh(CancelScope& scope) override {
    ++refreshes;
    if (!hangs) co_return;
    SleepOp sleep(loop, scope, 3'600'000);
    static_cast<void>(co_await sleep.run());
  }
  std::vector<std::shared_ptr<Tool>> tools() const override { return list; }
  Task<void> close() override {
    ++*closed;
    co_return;
  }
  Loop& loop;
  std::string provider_name;
  std::vector<std::shared_ptr<Tool>> list;
  bool hangs = false;
  int refreshes = 0;
  std::shared_ptr<int> closed = std::make_shared<int>(0);
};

std::shared_ptr<ScriptedTool> add(ToolWorld& tools, const std::string& name,
                                  ToolResult result = {.content = "result"}) {
  auto tool = std::make_shared<ScriptedTool>(tools.world.loop, name, std::move(result));
  tools.toolbox.add(tool);
  return tool;
}

std::vector<std::string> names_of(const std::vector<ToolSpec>& specs) {
  std::vector<std::string> names;
  for (const ToolSpec& spec : specs) names.push_back(spec.name);
  return names;
}

TEST_CASE(call_gives_the_result_and_its_summary) {
  ToolWorld tools;
  CHECK(tools.toolbox.is_empty());
  const auto tool = add(tools, "t", {.content = "text", .is_error = false, .summary = " a\nlot "});
  CHECK(!tools.toolbox.is_empty());
  const ToolResult result = tools.call("t", R"({"a":1})");
  CHECK(!result.is_error);
  CHECK_EQ(result.content, "text");
  CHECK_EQ(result.summary, "a lot");
  CHECK_EQ(tool->seen, R"({"a":1})");
  CHECK_EQ(tools.call("t", " ").content, "text");
  CHECK_EQ(tool->seen, "{}");
}

TEST_CASE(unknown_names_and_arguments_that_are_no_object_call_nothing) {
  ToolWorld tools;
  const auto tool = add(tools, "t");
  CHECK_EQ(tools.call("u\n\xff", "{}").content, "There is no tool called \"u \ufffd\".");
  for (const char* bad : {"[]", "1", "\"{}\"", "{", "{}x", "{\"a\":\xff}", "null"}) {
    const ToolResult result = tools.call("t", bad);
    CHECK(result.is_error);
    CHECK_EQ(result.content, "The arguments are not a JSON object; the tool was not called.");
  }
  CHECK(tools.call("t", "{\"a\":\"" + std::string(300'000, 'x') + "\"}").is_error);
  CHECK(tools.call("t", std::string(100'000, '{')).is_error);
  CHECK_EQ(tool->calls, 0);
}

TEST_CASE(result_is_cut_to_its_bound_and_made_utf8) {
  ToolWorld tools;
  add(tools, "t", {.content = "\xff" + std::string(40'000, 'x')});
  const ToolResult result = tools.call("t", "{}");
  CHECK_EQ(result.content.size(), size_t{32} * 1024);
  CHECK(is_utf8(result.content));
  CHECK(result.content.ends_with("not shown]"));
  CHECK_EQ(result.summary, "done");
}

TEST_CASE(statuses_are_clean_lines_and_not_endless) {
  ToolWorld tools;
  const auto tool = add(tools, "t");
  tool->statuses = {"a\r\n\x1b b", "a b", "a  b", "", "\xff"};
  tools.call("t", "{}");
  CHECK(tools.statuses == (std::vector<std::string>{"a b", "\ufffd"}));
  tool->statuses.clear();
  for (int i = 0; i < 1000; ++i) tool->statuses.push_back(std::to_string(i));
  tools.call("t", "{}");
  CHECK_EQ(tools.statuses.size(), Toolbox::kStatusesMax);
}

TEST_CASE(tool_that_takes_too_long_is_ended) {
  ToolWorld tools;
  const auto tool = add(tools, "t");
  tool->wait_ms = 3'600'000;
  ToolWorld::Running& running = tools.begin("t", "{}");
  tools.world.loop.advance_ms(29'999);
  tools.world.settle();
  CHECK(!running.result);
  tools.world.loop.advance_ms(1);
  tools.until([&] { return running.result.has_value(); });
  CHECK(running.result->is_error);
  CHECK_EQ(running.result->content, "The tool did not finish within 30 s.");
  CHECK(running.statuses.lines.empty());
}

TEST_CASE(result_that_came_at_the_last_moment_counts) {
  ToolWorld tools;
  const auto tool = add(tools, "t");
  tool->wait_ms = 3'600'000;
  tool->ignores_cancel = true;
  ToolWorld::Running& running = tools.begin("t", "{}");
  tools.world.loop.advance_ms(30'000);
  tools.until([&] { return running.result.has_value(); });
  CHECK(!running.result->is_error);
}

TEST_CASE(scope_ends_a_call) {
  ToolWorld tools;
  const auto tool = add(tools, "t");
  tool->wait_ms = 3'600'000;
  ToolWorld::Running& running = tools.begin("t", "{}");
  tools.world.settle();
  running.scope.request();
  tools.until([&] { return running.result.has_value(); });
  CHECK(running.result->is_error);
  CHECK_EQ(running.result->content, "cancelled");
  CHECK(running.statuses.lines.empty());
}

TEST_CASE(close_ends_calls_and_says_goodbye) {
  ToolWorld tools;
  const auto tool = add(tools, "t");
  tool->wait_ms = 3'600'000;
  auto provider = std::make_unique<ScriptedProvider>(tools.world.loop, "p", std::vector<std::string>{"x"});
  const std::shared_ptr<int> closed = provider->closed;
  tools.toolbox.add(std::move(provider));
  ToolWorld::Running& running = tools.begin("t", "{}");
  tools.world.settle();
  tools.close();
  CHECK(running.result && running.result->is_error);
  CHECK_EQ(*closed, 1);
  CHECK(tools.call("t", "{}").is_error);
  CHECK(tools.specs().empty());
  CHECK_EQ(tool->calls, 1);
}

TEST_CASE(names_are_prefixed_where_they_clash) {
  ToolWorld tools;
  add(tools, "mine");
  const auto provide = [&](const std::string& name, std::vector<std::string> names) {
    tools.toolbox.add(std::make_unique<ScriptedProvider>(tools.world.loop, name, std::move(names)));
  };
  provide("one", {"echo", "only", "mine"});
  provide("two", {"echo", "add"});
  CHECK(names_of(tools.specs()) ==
        (std::vector<std::string>{"mine", "one_echo", "only", "one_mine", "two_echo", "add"}));
  for (const char* name : {"mine", "one_echo", "two_echo", "only", "one_mine"}) CHECK(!tools.call(name, "{}").is_error);
  CHECK(tools.call("echo", "{}").is_error);
  CHECK(tools.toolbox.find("two_echo") != tools.toolbox.find("one_echo"));
}

TEST_CASE(prefixed_names_stay_names_and_differ) {
  ToolWorld tools;
  const std::string long_name(64, 'n');
  tools.toolbox.add(std::make_unique<ScriptedProvider>(tools.world.loop, "same", std::vector<std::string>{long_name}));
  tools.toolbox.add(std::make_unique<ScriptedProvider>(tools.world.loop, "other", std::vector<std::string>{long_name}));
  const std::vector<std::string> names = names_of(tools.specs());
  CHECK(names == (std::vector<std::string>{"same_" + std::string(59, 'n'), "other_" + std::string(58, 'n')}));
}

TEST_CASE(server_that_does_not_list_its_tools_costs_ten_seconds_at_most) {
  ToolWorld tools;
  for (const char* name : {"a", "b", "c"}) {
    auto provider = std::make_unique<ScriptedProvider>(tools.world.loop, name,
                                                       std::vector<std::string>{std::string(name) + "_tool"});
    provider->hangs = true;
    tools.toolbox.add(std::move(provider));
  }
  std::optional<std::vector<ToolSpec>> specs;
  Gate gate;
  CancelScope scope;
  struct List {
    static Task<void> run(Toolbox* toolbox, CancelScope* scope_in, std::optional<std::vector<ToolSpec>>* out) {
      *out = co_await toolbox->specs(*scope_in);
    }
  };
  spawn(gate, List::run(&tools.toolbox, &scope, &specs));
  tools.world.loop.advance_ms(9'999);
  tools.world.settle();
  CHECK(!specs);
  tools.world.loop.advance_ms(1);
  tools.until([&] { return specs.has_value(); });
  CHECK_EQ(specs->size(), 3u);
}

TEST_CASE(list_is_bounded) {
  ToolWorld tools;
  std::vector<std::string> names;
  for (int i = 0; i < 500; ++i) names.push_back("t" + std::to_string(i));
  tools.toolbox.add(std::make_unique<ScriptedProvider>(tools.world.loop, "p", names));
  CHECK_EQ(tools.specs().size(), Toolbox::kToolsMax);
}

}  // namespace
}  // namespace bobbin::tools::test
