// bobbin token: a signed token on standard output.

#include <cstdio>

#include "src/auth/token_mint.h"
#include "src/base/clock.h"
#include "src/cli/commands.h"

namespace bobbin::cli {

int print_token(const TokenOptions& options) {
  const Result<int64_t> ttl_s = parse_duration_s(options.ttl);
  if (!ttl_s) return report(ttl_s.error(), "--ttl");
  const Result<std::string> secret = find_secret(options.jwt_secret, options.jwt_secret_file, options.data);
  if (!secret) return report(secret.error(), options.jwt_secret_file.empty() ? options.data : options.jwt_secret_file);
  const Result<std::string> token = auth::mint_token(*secret,
                                                     {.user = options.user,
                                                      .ttl_s = *ttl_s,
                                                      .admin = options.role == "admin",
                                                      .replicate = options.scope == "replicate",
                                                      .password_reset = options.scope == "password"},
                                                     wall_now_us() / 1'000'000);
  if (!token) return report(token.error(), "token");
  std::printf("%s\n", token->c_str());
  return 0;
}

}  // namespace bobbin::cli
