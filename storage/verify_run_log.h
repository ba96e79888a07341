#pragma once

#include "storage/verify_findings.h"

namespace bobbin::store {

inline constexpr char kRunLogKind[] = "run log";  // Problem::family of its problems

// Reads every segment of the run log. A torn end is what a crash leaves, and no problem; damage before it is one: a
// head of another segment, or a frame that cannot be believed with sound ones after it. Nothing is ever mended:
// recovery uses what is before the damage. Internal to storage. Memory: one segment. Errors: cancelled, io.
Result<void> check_run_log(const Database& database, Findings& findings, Watch& watch);

}  // namespace bobbin::store
