#include "storage/account_records.h"

#include <cstring>

#include "storage/record_codec.h"

namespace bobbin::store {

void append_account_record(std::string& out, const Account& account) {
  auto record = begin_record(out, RecordType::account);
  record.blob(account.email);
  record.blob(account.password_hash);
  record.u8(static_cast<uint8_t>(account.role));
  record.u8(static_cast<uint8_t>(account.state));
  record.time(account.created_us);
  record.time(account.tokens_valid_from_us);
  record.finish();
}

Result<Account> decode_account(std::string_view bytes, std::string_view id) {
  TRY_ASSIGN(auto record, open_record(bytes, RecordType::account));
  Account account;
  account.id = id;
  account.email = record.blob();
  account.password_hash = record.blob();
  account.role = static_cast<AccountRole>(record.u8());
  account.state = static_cast<AccountState>(record.u8());
  account.created_us = record.time();
  account.tokens_valid_from_us = record.time();
  if (!record.at_end() || !in_range(account.role, AccountRole::user, AccountRole::admin) ||
      !in_range(account.state, AccountState::active, AccountState::blocked)) {
    return misfit();
  }
  return account;
}

void append_account_reference(std::string& out, std::string_view account) {
  auto record = begin_record(out, RecordType::account_reference);
  record.str(account);
  record.finish();
}

Result<std::string> decode_account_reference(std::string_view bytes) {
  TRY_ASSIGN(auto record, open_record(bytes, RecordType::account_reference));
  std::string account(record.str());
  if (!record.at_end() || account.empty()) return misfit();
  return account;
}

void append_login_record(std::string& out, const Login& login) {
  auto record = begin_record(out, RecordType::login);
  record.le64(login.generation);
  record.time(login.created_us);
  record.time(login.rotated_us);
  record.time(login.expires_us);
  record.finish();
}

Result<Login> decode_login(std::string_view bytes, const Uuid& id) {
  TRY_ASSIGN(auto record, open_record(bytes, RecordType::login));
  Login login;
  login.id = id;
  login.generation = record.le64();
  login.created_us = record.time();
  login.rotated_us = record.time();
  login.expires_us = record.time();
  if (!record.at_end() || login.generation == 0) return misfit();
  return login;
}

void append_invitation_record(std::string& out, const Invitation& invitation) {
  auto record = begin_record(out, RecordType::invitation);
  record.id(invitation.id);
  record.u8(static_cast<uint8_t>(invitation.role));
  record.blob(invitation.created_by);
  record.time(invitation.created_us);
  record.time(invitation.expires_us);
  record.finish();
}

Result<Invitation> decode_invitation(std::string_view bytes) {
  TRY_ASSIGN(auto record, open_record(bytes, RecordType::invitation));
  Invitation invitation;
  invitation.id = record.id();
  invitation.role = static_cast<AccountRole>(record.u8());
  invitation.created_by = record.blob();
  invitation.created_us = record.time();
  invitation.expires_us = record.time();
  if (!record.at_end() || !in_range(invitation.role, AccountRole::user, AccountRole::admin)) return misfit();
  return invitation;
}

void append_api_key_record(std::string& out, const ApiKey& key) {
  auto record = begin_record(out, RecordType::api_key);
  record.raw({reinterpret_cast<const char*>(key.hash.data()), key.hash.size()});
  record.blob(key.name);
  record.blob(key.prefix);
  record.le32(key.scopes);
  record.time(key.created_us);
  record.time(key.expires_us);
  record.time(key.last_used_us);
  record.finish();
}

Result<ApiKey> decode_api_key(std::string_view bytes, const Uuid& id) {
  TRY_ASSIGN(auto record, open_record(bytes, RecordType::api_key));
  ApiKey key;
  key.id = id;
  const std::string_view hash = record.take(key.hash.size());
  key.name = record.blob();
  key.prefix = record.blob();
  key.scopes = record.le32();
  key.created_us = record.time();
  key.expires_us = record.time();
  key.last_used_us = record.time();
  if (!record.at_end() || (key.scopes & ~key_scopes::kAll) != 0) return misfit();
  std::memcpy(key.hash.data(), hash.data(), hash.size());
  return key;
}

void append_api_key_reference(std::string& out, const ApiKeyReference& reference) {
  auto record = begin_record(out, RecordType::api_key_reference);
  record.str(reference.user);
  record.id(reference.id);
  record.finish();
}

Result<ApiKeyReference> decode_api_key_reference(std::string_view bytes) {
  TRY_ASSIGN(auto record, open_record(bytes, RecordType::api_key_reference));
  ApiKeyReference reference;
  reference.user = record.str();
  reference.id = record.id();
  if (!record.at_end() || reference.user.empty()) return misfit();
  return reference;
}

}  // namespace bobbin::store
