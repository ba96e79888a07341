#pragma once

#include <string>
#include <string_view>

#include "src/base/result.h"
#include "storage/account_types.h"

// Values ⇄ bytes of the records of identity, as storage/records.h says of the others. Internal to storage, pure.
//
// What is in the key is not in the record: decode takes it from the caller.
namespace bobbin::store {

void append_account_record(std::string& out, const Account& account);
Result<Account> decode_account(std::string_view record, std::string_view id);

// Whose an address is: the account's id.
void append_account_reference(std::string& out, std::string_view account);
Result<std::string> decode_account_reference(std::string_view record);

void append_login_record(std::string& out, const Login& login);
Result<Login> decode_login(std::string_view record, const Uuid& id);

void append_invitation_record(std::string& out, const Invitation& invitation);
Result<Invitation> decode_invitation(std::string_view record);

void append_api_key_record(std::string& out, const ApiKey& key);
Result<ApiKey> decode_api_key(std::string_view record, const Uuid& id);

// Which key a secret is.
struct ApiKeyReference {
  std::string user;
  Uuid id;

  friend bool operator==(const ApiKeyReference&, const ApiKeyReference&) = default;
};
void append_api_key_reference(std::string& out, const ApiKeyReference& reference);
Result<ApiKeyReference> decode_api_key_reference(std::string_view record);

}  // namespace bobbin::store
