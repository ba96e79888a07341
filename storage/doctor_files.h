#pragma once

#include "storage/doctor.h"

// The part of doctor that looks at files alone. Internal to storage.
namespace bobbin::store {

// Sizes by kind; whom things belong to and who may read them; room on the disk; who holds the lock.
// Errors: not_found, io.
Result<void> examine_files(DoctorReport& report);

}  // namespace bobbin::store
