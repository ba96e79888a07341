#include <cstdio>

#include "src/base/json.h"
#include "src/base/text.h"
#include "src/cli/tool_answer.h"

// The longest of the answers: bobbin doctor.
namespace bobbin::cli {
namespace {

void append_line(std::string& out, const char* name, const std::string& value) {
  char text[32];
  std::snprintf(text, sizeof text, "%-16s", name);
  out.append(text).append(value).push_back('\n');
}

void append_row(std::string& out, const std::string& name, const std::string& count, const std::string& size) {
  char text[128];
  std::snprintf(text, sizeof text, "  %-20.40s %12.20s %14.20s\n", name.c_str(), count.c_str(), size.c_str());
  out.append(text);
}

std::string format_line(const store::DoctorReport& report) {
  if (report.format == 0) return "not known";
  std::string text = std::to_string(report.format);
  if (report.format != report.format_known) text += " (this program knows " + std::to_string(report.format_known) + ")";
  return text;
}

void append_store(std::string& out, const store::DoctorReport& report) {
  append_line(out, "format", format_line(report));
  append_line(out, "threads", (report.is_estimate ? "about " : "") + std::to_string(report.threads));
  append_line(out, "users", (report.is_estimate ? "at least " : "") + std::to_string(report.users));
  append_line(out, "newest change", std::to_string(report.last_sequence));
  append_line(out, "running answers", std::to_string(report.active_runs));
  append_line(out, "waiting submits", std::to_string(report.waiting_submits));
  if (report.waiting_erasures) append_line(out, "to be erased", std::to_string(*report.waiting_erasures));
  out.append("\nfamilies (rows are estimates)\n");
  append_row(out, "", "rows", "in files");
  for (const store::DoctorFamily& family : report.families) {
    if (family.rows == 0 && family.bytes == 0) continue;
    append_row(out, family.name, std::to_string(family.rows), format_bytes(family.bytes));
  }
}

std::string text_of(const store::DoctorReport& report) {
  std::string out;
  append_line(out, "directory", report.directory);
  append_line(out, "in use",
              !report.in_use          ? "no"
              : report.in_use_by == 0 ? "yes"
                                      : "yes, by process " + std::to_string(report.in_use_by));
  append_line(out, "disk", format_bytes(report.disk_free_bytes) + " free of " + format_bytes(report.disk_bytes));
  if (report.is_read) append_store(out, report);
  if (!report.files.empty()) {
    out.append("\nfiles\n");
    for (const store::DoctorFiles& files : report.files) {
      append_row(out, files.kind, std::to_string(files.files), format_bytes(files.bytes));
    }
  }
  if (report.advice.empty()) return out + "\nnothing to mend\n";
  out.append("\nto mend\n");
  for (const store::DoctorAdvice& advice : report.advice) {
    out.append("  ").append(to_utf8_lossy(advice.what)).append("\n    -> ");
    out.append(to_utf8_lossy(advice.act)).push_back('\n');
  }
  return out;
}

void append_families(std::string& out, const store::DoctorReport& report) {
  json::Object families(out);
  for (const store::DoctorFamily& family : report.families) {
    json::Object each(families.key(family.name));
    each.boolean("known", family.known);
    json::append_uint(each.key("rows_estimate"), family.rows);
    json::append_uint(each.key("bytes"), family.bytes);
    json::append_uint(each.key("bytes_in_memory"), family.in_memory);
    each.close();
  }
  families.close();
}

void append_files(std::string& out, const store::DoctorReport& report) {
  json::Object kinds(out);
  for (const store::DoctorFiles& files : report.files) {
    json::Object each(kinds.key(files.kind));
    json::append_uint(each.key("files"), files.files);
    json::append_uint(each.key("bytes"), files.bytes);
    each.close();
  }
  kinds.close();
}

void append_advice(std::string& out, const store::DoctorReport& report) {
  out.push_back('[');
  for (size_t i = 0; i < report.advice.size(); ++i) {
    if (i > 0) out.push_back(',');
    json::Object each(out);
    each.field("what", to_utf8_lossy(report.advice[i].what)).field("act", to_utf8_lossy(report.advice[i].act)).close();
  }
  out.push_back(']');
}

}  // namespace

ToolAnswer answer_of(const store::DoctorReport& report) {
  ToolAnswer answer;
  answer.text = text_of(report);
  json::Object object(answer.json);
  object.field("directory", to_utf8_lossy(report.directory));
  object.boolean("is_store", report.is_store).boolean("is_read", report.is_read).boolean("in_use", report.in_use);
  object.number("in_use_by", report.in_use_by);
  json::append_uint(object.key("disk_free_bytes"), report.disk_free_bytes);
  json::append_uint(object.key("disk_bytes"), report.disk_bytes);
  if (report.is_read) {
    json::append_uint(object.key("format"), report.format);
    json::append_uint(object.key("format_known"), report.format_known);
    json::append_uint(object.key("last_sequence"), report.last_sequence);
    json::append_uint(object.key("threads"), report.threads);
    json::append_uint(object.key("users"), report.users);
    object.boolean("is_estimate", report.is_estimate);
    json::append_uint(object.key("active_runs"), report.active_runs);
    json::append_uint(object.key("waiting_submits"), report.waiting_submits);
    if (report.waiting_erasures) json::append_uint(object.key("waiting_erasures"), *report.waiting_erasures);
    append_families(object.key("families"), report);
  }
  append_files(object.key("files"), report);
  append_advice(object.key("advice"), report);
  object.close();
  return answer;
}

}  // namespace bobbin::cli
