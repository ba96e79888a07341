#pragma once

#include <string>

#include "src/cli/options.h"
#include "storage/backup.h"
#include "storage/doctor.h"
#include "storage/verify.h"

// What backup, restore, verify and doctor answer: for people and for programs, the same whether this process did the
// work or a server did it.
namespace bobbin::cli {

struct ToolAnswer {
  std::string json;   // one object, one line
  std::string text;   // lines
  int exit_code = 0;  // 1: there are problems
};

ToolAnswer answer_of(const store::BackupReport& report);
ToolAnswer answer_of(const std::vector<store::BackupEntry>& backups);
ToolAnswer answer_of(const store::BackupsReport& report);
ToolAnswer answer_of(const store::RestoreReport& report);
ToolAnswer answer_of(const store::VerifyReport& report);
// After a repair.
ToolAnswer answer_of(const store::VerifyOutcome& outcome);
ToolAnswer answer_of(const store::DoctorReport& report);

// `512 bytes`, `1.5 MiB`.
std::string format_bytes(uint64_t bytes);

// Why something failed, in one line without an end: `the disk is full (No space left on device)`.
std::string complaint_of(const Error& error);

}  // namespace bobbin::cli
