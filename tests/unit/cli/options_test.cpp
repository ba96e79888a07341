#include "src/cli/options.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "src/cli/commands.h"
#include "src/cli/listen_address.h"
#include "src/cli/option_sources.h"
#include "tests/support/test.h"

namespace bobbin::cli {
namespace {

// Sets a variable for as long as it lives.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Environment() { unsetenv(name_); }

 private:
  const char* name_;
};

std::optional<int> parse(std::vector<const char*> arguments, ServeOptions& options) {
  return parse_serve_options(static_cast<int>(arguments.size()), arguments.data(), options);
}

// A config file for as long as it lives.
class ConfigFile {
 public:
  explicit ConfigFile(const std::string& text) : path("/tmp/bobbin_options_test." + std::to_string(getpid())) {
    std::ofstream(path) << text;
  }
  ~ConfigFile() { std::remove(path.c_str()); }
  const std::string path;
};

TEST_CASE(a_flag_beats_the_environment_which_beats_the_file) {
  const ConfigFile file("# ours\nmodel = file\nsystem-prompt = You are a pirate, always = yes\nworkers=3\n");
  const Environment config("BOBBIN_CONFIG", file.path.c_str());
  ServeOptions options;
  CHECK(!parse({}, options));
  CHECK_EQ(options.model, "file");
  CHECK_EQ(options.system_prompt, "You are a pirate, always = yes");
  CHECK_EQ(options.workers, 3u);
  const Environment model("BOBBIN_MODEL", "environment");
  options = {};
  CHECK(!parse({}, options));
  CHECK_EQ(options.model, "environment");
  options = {};
  CHECK(!parse({"--model", "flag"}, options));
  CHECK_EQ(options.model, "flag");
}

TEST_CASE(an_empty_variable_is_unset_and_takes_no_other_argument) {
  const Environment secret("BOBBIN_JWT_SECRET", "");
  const Environment workers("BOBBIN_WORKERS", "");
  ServeOptions options;
  CHECK(!parse({"--data=/somewhere", "--listen", "127.0.0.1:0"}, options));
  CHECK_EQ(options.jwt_secret, "");
  CHECK_EQ(options.data, "/somewhere");
  CHECK_EQ(options.workers, 0u);
}

TEST_CASE(a_secret_and_its_file_are_one_setting) {
  const Environment file("BOBBIN_JWT_SECRET_FILE", "/a/file");
  ServeOptions options;
  CHECK(!parse({"--jwt-secret", "the secret"}, options));
  CHECK_EQ(options.jwt_secret, "the secret");
  CHECK_EQ(options.jwt_secret_file, "");
}

TEST_CASE(a_list_is_replaced_by_the_stronger_source_and_may_have_commas) {
  const Environment origins("BOBBIN_CORS_ORIGIN", "http://a, http://b");
  ServeOptions options;
  CHECK(!parse({}, options));
  CHECK_EQ(options.cors_origins.size(), 2u);
  CHECK_EQ(options.cors_origins[1], "http://b");
  options = {};
  CHECK(!parse({"--cors-origin", "http://c", "--cors-origin", "http://d"}, options));
  CHECK_EQ(options.cors_origins.size(), 2u);
  CHECK_EQ(options.cors_origins[0], "http://c");
}

TEST_CASE(mistakes_are_refused) {
  ServeOptions options;
  CHECK(parse({"--model="}, options).value_or(0) != 0);
  CHECK(parse({"--no-such-option", "1"}, options).value_or(0) != 0);
  CHECK(parse({"--workers", "many"}, options).value_or(0) != 0);
  CHECK(parse({"--config", "/no/such/file"}, options).value_or(0) != 0);
  for (const char* text : {"nonsense = 1\n", "model\n", "model = a\nmodel = b\n"}) {
    const ConfigFile file(text);
    CHECK(parse({"--config", file.path.c_str()}, options).value_or(0) != 0);
  }
}

TEST_CASE(flags_without_value_can_come_from_anywhere) {
  const Environment link("BOBBIN_PRINT_LOGIN_LINK", "true");
  ServeOptions options;
  CHECK(!parse({}, options));
  CHECK_EQ(options.login_link, true);
}

TEST_CASE(durations_have_units) {
  CHECK_EQ(CHECK_OK(parse_duration_s("90")), 90);
  CHECK_EQ(CHECK_OK(parse_duration_s("15m")), 900);
  CHECK_EQ(CHECK_OK(parse_duration_s("30d")), 30 * 86'400);
  for (const char* text : {"", "h", "0s", "-1h", "1w", "1 h", "9223372036854775807d", "1hh"}) {
    CHECK_FAILS(parse_duration_s(text), Code::invalid);
  }
}

TEST_CASE(an_address_is_host_and_port) {
  CHECK_EQ(CHECK_OK(parse_listen_address("[::1]:80")).host, "::1");
  CHECK_EQ(CHECK_OK(parse_listen_address("localhost:0")).port, 0);
  for (const char* text : {"", "8787", ":8787", "::1:80", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:8a", "[]:80"}) {
    CHECK_FAILS(parse_listen_address(text), Code::invalid);
  }
}

}  // namespace
}  // namespace bobbin::cli
