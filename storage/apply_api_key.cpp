#include <algorithm>

#include "src/base/limits.h"
#include "storage/account_rows.h"
#include "storage/apply.h"
#include "storage/keys.h"
#include "storage/rocksdb_options.h"

namespace bobbin::store {
namespace {

Result<void> check_owner(const std::string& user) {
  if (user.empty() || user.size() > limits::kUserIdBytesMax)
    return fail(Code::invalid, 0, "user id has 1 to 128 bytes");
  return {};
}

std::string key_of(const std::string& user, const Uuid& id) {
  std::string key;
  append_api_key_key(key, user, id);
  return key;
}

std::string reference_key_of(const ApiKey& key) {
  std::string reference;
  append_key_reference_key(reference, hash_bytes(key.hash));
  return reference;
}

void put_api_key(Batch& batch, const std::string& user, const ApiKey& key) {
  std::string value;
  append_api_key_record(value, key);
  batch.put(Family::keys, key_of(user, key.id), value);
}

}  // namespace

void remove_api_key(Batch& batch, const std::string& user, const ApiKey& key) {
  batch.remove(Family::keys, key_of(user, key.id));
  batch.remove(Family::keys, reference_key_of(key));
}

Result<Reply> Applier::apply(PutApiKey& command) {
  TRY(check_owner(command.user));
  const ApiKey& key = command.key;
  if (key.name.size() > kKeyNameBytesMax || key.prefix.size() > kKeyPrefixBytesMax)
    return fail(Code::invalid, 0, "a key's name has at most 128 bytes");
  if (key.scopes == 0 || (key.scopes & ~key_scopes::kAll) != 0)
    return fail(Code::invalid, 0, "a key has one of the known scopes");
  if (command.user.starts_with(kAccountIdPrefix)) {
    TRY_ASSIGN(const auto owner, get_account(database_, read_options(), command.user));
    if (!owner) return fail(Code::not_found, 0, "no such account");
  }
  TRY_ASSIGN(const std::vector<ApiKey> others, scan_api_keys(database_, read_options(), command.user));
  if (others.size() >= kApiKeysMax) return fail(Code::queue_full, 0, "a user has at most 64 keys: delete one first");
  put_api_key(batch_, command.user, key);
  std::string value;
  append_api_key_reference(value, {command.user, key.id});
  batch_.put(Family::keys, reference_key_of(key), value);
  return AccountDone{};
}

Result<Reply> Applier::apply(DeleteApiKey& command) {
  TRY(check_owner(command.user));
  TRY_ASSIGN(const auto key, get_api_key(database_, read_options(), command.user, command.id));
  if (!key) return fail(Code::not_found, 0, "no such key");
  remove_api_key(batch_, command.user, *key);
  return AccountDone{};
}

Result<Reply> Applier::apply(TouchApiKey& command) {
  TRY(check_owner(command.user));
  TRY_ASSIGN(auto key, get_api_key(database_, read_options(), command.user, command.id));
  if (!key) return AccountDone{};
  key->last_used_us = std::max(key->last_used_us, command.used_us);
  put_api_key(batch_, command.user, *key);
  return AccountDone{};
}

}  // namespace bobbin::store
