#pragma once

#include <string>
#include <string_view>

#include "src/base/result.h"

// The data directory as a place (storage/FORMAT.md, "The directory"): names, who owns it, whether it is whole. For
// storage, and for who keeps files of its own there; blocks.
namespace bobbin::store {

inline constexpr char kDatabaseName[] = "db";
inline constexpr char kRunLogName[] = "runlog";
inline constexpr char kLockName[] = "lock";
inline constexpr char kSecretName[] = "jwt-secret";         // that of src/auth/secret.h, where the operator gives none
inline constexpr char kCertificateName[] = "tls-cert.pem";  // self-signed: src/cli/server_certificate.h
inline constexpr char kCertificateKeyName[] = "tls-key.pem";
// There while `bobbin restore` works: a directory with it is incomplete.
inline constexpr char kRestoreMarkerName[] = "restore-incomplete";

// Takes the directory for this process, making it (mode 0700) and its lock file when they are not there. The descriptor
// holds the lock until it is closed. Errors: busy (another process, or this one, has it), io.
Result<int> lock_directory(std::string directory);

// Same, and makes nothing. Errors: not_found (no directory, or nothing ever locked it: no store), busy, io.
Result<int> lock_existing_directory(const std::string& directory);

// Errors: corrupt: a restore was cut short here.
Result<void> check_restore_is_complete(const std::string& directory);

// Whether a store was ever made here. Errors: not_found, io (it cannot be looked at).
Result<void> check_is_store(const std::string& directory);

// Makes a directory of mode 0700, and those above it that are missing (with the usual mode), durably: their names are
// synced. One that is there is left as it is. Errors: io with errno and `detail`.
Result<void> make_directory(const std::string& path, const char* detail);

// fsync of a directory: its names are on disk. Errors: io.
Result<void> sync_directory(const std::string& path);

// fsync of every file and directory below `path`, and of itself. Errors: io.
Result<void> sync_tree(const std::string& path);

// A new file of mode 0600 with these bytes, synced; not its name. Errors: io, storage_full.
Result<void> write_private_file(const std::string& path, std::string_view bytes);

// All of a small file. Errors: not_found, io, too_large.
Result<std::string> read_small_file(const std::string& path, size_t bytes_max);

}  // namespace bobbin::store
