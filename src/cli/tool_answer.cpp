#include "src/cli/tool_answer.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "src/base/clock.h"
#include "src/base/json.h"
#include "src/base/text.h"

namespace bobbin::cli {
namespace {

// Columns as wide as their longest cell: the first one left, the others right.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { add(std::move(head)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void append_to(std::string& out) const {
    std::vector<size_t> widths(rows_[0].size(), 0);
    for (const auto& row : rows_) {
      for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    for (const auto& row : rows_) {
      std::string line;
      for (size_t i = 0; i < row.size(); ++i) {
        const std::string padding(widths[i] - row[i].size(), ' ');
        line += i == 0 ? row[i] + padding : "  " + padding + row[i];
      }
      line.erase(line.find_last_not_of(' ') + 1);
      out.append(line).push_back('\n');
    }
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

std::string count_of(uint64_t count, const char* what, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? what : many);
}

std::string time_of(int64_t us) {
  std::string text;
  append_rfc3339(text, us);
  text.resize(sizeof "2026-11-25T04:57:12" - 1);
  return text + "Z";
}

std::string seconds_of(int64_t us) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(us) / 1e6);
  return text;
}

// Appends `[a,b,…]`, each by `append(out, item)`.
template <class Items, class Append>
void append_array(std::string& out, const Items& items, const Append& append) {
  out.push_back('[');
  bool first = true;
  for (const auto& item : items) {
    if (!first) out.push_back(',');
    first = false;
    append(out, item);
  }
  out.push_back(']');
}

void append_backup(std::string& out, const store::BackupEntry& backup) {
  json::Object object(out);
  object.number("id", backup.id).field("created", time_of(backup.created_us));
  json::append_uint(object.key("bytes"), backup.bytes);
  object.number("files", backup.files).boolean("complete", backup.complete).boolean("secret", backup.with_secret);
  object.close();
}

void append_problem(std::string& out, const store::Problem& problem) {
  constexpr std::array<const char*, 3> kRepairs{"none", "possible", "done"};
  json::Object object(out);
  object.field("family", problem.family).field("row", problem.row).field("what", to_utf8_lossy(problem.what));
  object.field("repair", kRepairs[static_cast<size_t>(problem.repair)]).close();
}

void append_report(std::string& out, const store::VerifyReport& report) {
  json::Object object(out);
  object.boolean("clean", report.is_clean());
  json::append_uint(object.key("users"), report.users);
  json::append_uint(object.key("threads"), report.threads);
  json::append_uint(object.key("files"), report.files);
  json::append_uint(object.key("run_log_segments"), report.run_log_segments);
  json::append_uint(object.key("last_sequence"), report.last_sequence);
  json::append_uint(object.key("problem_count"), report.problem_count);
  json::append_uint(object.key("repaired_count"), report.repaired_count);
  json::Object families(object.key("families"));
  for (size_t i = 0; i < store::kFamilyCount; ++i) {
    json::Object rows(families.key(store::kFamilyNames[i]));
    json::append_uint(rows.key("rows"), report.families[i].rows);
    json::append_uint(rows.key("bytes"), report.families[i].bytes);
    rows.close();
  }
  families.close();
  append_array(object.key("problems"), report.problems, append_problem);
  object.close();
}

void append_problems(std::string& out, const store::VerifyReport& report) {
  for (const store::Problem& problem : report.problems) {
    out.append("  ").append(problem.family).append(": ").append(problem.row).append(": ");
    out.append(to_utf8_lossy(problem.what)).push_back('\n');
  }
  if (const uint64_t more = report.problem_count - report.problems.size(); more > 0) {
    out.append("  and ").append(std::to_string(more)).append(" more\n");
  }
}

std::string counts_of(const store::VerifyReport& report) {
  return count_of(report.threads, "thread", "threads") + " of " + count_of(report.users, "user", "users") +
         ", newest change " + std::to_string(report.last_sequence) + ", " + "checksums hold in " +
         count_of(report.files, "file", "files") + " and " + count_of(report.run_log_segments, "segment", "segments") +
         " of the run log";
}

void append_families(std::string& out, const store::VerifyReport& report) {
  Table table({"family", "rows", "size"});
  for (size_t i = 0; i < store::kFamilyCount; ++i) {
    if (report.families[i].rows == 0) continue;
    table.add(
        {store::kFamilyNames[i], std::to_string(report.families[i].rows), format_bytes(report.families[i].bytes)});
  }
  table.append_to(out);
}

}  // namespace

std::string format_bytes(uint64_t bytes) {
  if (bytes < 1024) return count_of(bytes, "byte", "bytes");
  constexpr std::array<const char*, 5> kUnits{"KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", value, kUnits[unit]);
  return text;
}

std::string complaint_of(const Error& error) {
  std::string text = error.detail[0] != '\0' ? error.detail : code_name(error.code);
  const char* words = strerrordesc_np(error.number);  // null: not the system's number
  if ((error.code == Code::io || error.code == Code::storage_full) && error.number > 0 && words != nullptr) {
    text.append(" (").append(words).append(")");
  }
  return text;
}

ToolAnswer answer_of(const store::BackupReport& report) {
  ToolAnswer answer;
  const store::BackupEntry& backup = report.backup;
  answer.text = "backup " + std::to_string(backup.id) + ": " + format_bytes(backup.bytes) + " in " +
                count_of(backup.files, "file", "files") + ", " + format_bytes(report.new_bytes) + " of it new, " +
                seconds_of(report.duration_us) + (report.verified ? ", verified" : "") + "\n";
  if (!report.removed.empty()) {
    answer.text += report.removed.size() == 1 ? "removed backup" : "removed backups";
    for (const uint32_t id : report.removed) answer.text += " " + std::to_string(id);
    answer.text += "\n";
  }
  json::Object object(answer.json);
  append_backup(object.key("backup"), backup);
  json::append_uint(object.key("new_bytes"), report.new_bytes);
  object.number("duration_ms", report.duration_us / 1000).boolean("verified", report.verified);
  append_array(object.key("removed"), report.removed,
               [](std::string& out, uint32_t id) { json::append_uint(out, id); });
  object.close();
  return answer;
}

ToolAnswer answer_of(const std::vector<store::BackupEntry>& backups) {
  ToolAnswer answer;
  Table table({"id", "made", "size", "files", ""});
  for (const store::BackupEntry& backup : backups) {
    table.add({std::to_string(backup.id), time_of(backup.created_us), format_bytes(backup.bytes),
               std::to_string(backup.files),
               !backup.complete ? "cut short" : (backup.with_secret ? "with secret" : "")});
  }
  table.append_to(answer.text);
  if (backups.empty()) answer.text = "no backups\n";
  json::Object object(answer.json);
  append_array(object.key("backups"), backups, append_backup);
  object.close();
  return answer;
}

ToolAnswer answer_of(const store::BackupsReport& report) {
  ToolAnswer answer;
  answer.exit_code = report.problems.empty() ? 0 : 1;
  for (const store::BackupEntry& backup : report.backups) {
    const bool whole = std::none_of(report.problems.begin(), report.problems.end(),
                                    [&](const store::BackupProblem& problem) { return problem.id == backup.id; });
    if (whole) {
      answer.text += "backup " + std::to_string(backup.id) + ": whole, " + format_bytes(backup.bytes) + " in " +
                     count_of(backup.files, "file", "files") + "\n";
    }
  }
  for (const store::BackupProblem& problem : report.problems) {
    answer.text += "backup " + std::to_string(problem.id) + ": " + to_utf8_lossy(problem.what) + "\n";
  }
  if (answer.text.empty()) answer.text = "no backups\n";
  json::Object object(answer.json);
  object.boolean("clean", report.problems.empty());
  append_array(object.key("backups"), report.backups, append_backup);
  append_array(object.key("problems"), report.problems, [](std::string& out, const store::BackupProblem& problem) {
    json::Object each(out);
    each.number("id", problem.id).field("what", to_utf8_lossy(problem.what)).close();
  });
  object.close();
  return answer;
}

ToolAnswer answer_of(const store::RestoreReport& report) {
  ToolAnswer answer;
  answer.text = "restored backup " + std::to_string(report.backup.id) + " of " + time_of(report.backup.created_us) +
                ", " + format_bytes(report.backup.bytes) + "\n";
  if (!report.moved_aside.empty()) answer.text += "what was there is in " + report.moved_aside + "\n";
  if (!report.backup.with_secret) {
    answer.text += "the backup has no jwt-secret: put yours into the directory, or everybody has to sign in again\n";
  }
  json::Object object(answer.json);
  append_backup(object.key("backup"), report.backup);
  if (report.moved_aside.empty()) {
    object.null("moved_aside");
  } else {
    object.field("moved_aside", to_utf8_lossy(report.moved_aside));
  }
  object.close();
  return answer;
}

ToolAnswer answer_of(const store::VerifyReport& report) {
  ToolAnswer answer;
  answer.exit_code = report.is_clean() ? 0 : 1;
  append_families(answer.text, report);
  answer.text += counts_of(report) + "\n";
  if (report.is_clean()) {
    answer.text += "no problems\n";
  } else {
    answer.text += count_of(report.problem_count, "problem", "problems") + ":\n";
    append_problems(answer.text, report);
    const bool can_be_mended = std::any_of(report.problems.begin(), report.problems.end(), [](const auto& problem) {
      return problem.repair == store::Problem::Repair::possible;
    });
    if (can_be_mended)
      answer.text += "bobbin verify --repair mends what follows from other rows (stop the server first)\n";
  }
  append_report(answer.json, report);
  return answer;
}

ToolAnswer answer_of(const store::VerifyOutcome& outcome) {
  ToolAnswer answer;
  const store::VerifyReport& left = outcome.left;
  answer.exit_code = left.is_clean() ? 0 : 1;
  append_families(answer.text, left);
  answer.text += counts_of(outcome.found) + "\n";
  if (outcome.found.is_clean()) {
    answer.text += "no problems\n";
  } else {
    answer.text += "found " + count_of(outcome.found.problem_count, "problem", "problems") + ", mended " +
                   std::to_string(outcome.found.repaired_count) + ":\n";
    append_problems(answer.text, outcome.found);
    if (left.is_clean()) {
      answer.text += "now there are none\n";
    } else {
      answer.text += count_of(left.problem_count, "problem is", "problems are") + " left:\n";
      append_problems(answer.text, left);
    }
  }
  json::Object object(answer.json);
  append_report(object.key("found"), outcome.found);
  append_report(object.key("left"), left);
  object.close();
  return answer;
}

}  // namespace bobbin::cli
