#pragma once

#include "src/base/result.h"
#include "src/cli/options.h"

// The subcommands. Each returns the exit code of the process; a failure has been said on standard error in one line.
namespace bobbin::cli {

int serve(const ServeOptions& options);
int print_token(const TokenOptions& options);
int backup(const BackupCommand& command);
int restore(const RestoreCommand& command);
int verify(const VerifyCommand& command);
int doctor(const DoctorCommand& command);

// `bobbin: WHAT: why` on standard error; `subject` is what the user gave (an address, a path). Returns 1.
int report(const Error& error, std::string_view subject);
// Same, with why in words.
int report_failure(std::string_view why, std::string_view subject);

// The secret that tokens are signed with: the one given, the one in the file given, or that of the data directory, made
// there when it is missing. Errors as in src/auth/secret.h.
Result<std::string> find_secret(const std::string& given, const std::string& file, const std::string& data);

// `90s`, `15m`, `1h`, `30d`, or seconds. Errors: invalid.
Result<int64_t> parse_duration_s(std::string_view text);

}  // namespace bobbin::cli
