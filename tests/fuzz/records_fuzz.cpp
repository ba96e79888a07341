// Records: any bytes are decoded without harm, and what is decoded is encoded to a record that says the same.
//
// Input: a record without its checksum, which is added: or nothing would ever get past it. The input itself is decoded
// too.

#include "storage/records.h"

#include <string>

#include "storage/account_records.h"
#include "storage/codec.h"
#include "tests/fuzz/support/fuzz.h"

namespace bobbin::fuzz {
namespace {

using namespace store;  // NOLINT(google-build-using-namespace)

// Decoding gives a value; its record gives the same value and, once more, the same bytes.
template <class Decode, class Append>
void check(std::string_view record, Decode decode, Append append) {
  const auto value = decode(record);
  if (!value) {
    FUZZ_CHECK(value.error().code == Code::corrupt);
    return;
  }
  std::string bytes;
  append(bytes, *value);
  const auto again = decode(bytes);
  FUZZ_CHECK(again.has_value() && *again == *value);
  std::string twice;
  append(twice, *again);
  FUZZ_CHECK(twice == bytes);
}

void check_messages(std::string_view record) {
  const auto decode = [](std::string_view bytes) { return decode_message(bytes, 7); };
  check(record, decode, append_message_record);
  MessageView view;
  const bool is_decoded = decode_message(record, 7, view).has_value();
  const Result<Message> message = decode(record);
  FUZZ_CHECK(is_decoded == message.has_value());
  if (message) FUZZ_CHECK(view.as<std::string>() == *message);
}

void check_record(std::string_view record) {
  check_messages(record);
  check(
      record, [](std::string_view bytes) { return decode_memory(bytes, 7); }, append_memory_record);
  check(
      record, [](std::string_view bytes) { return decode_summary(bytes, "t"); }, append_summary_record);
  check(record, decode_run, append_run_record);
  check(record, decode_queue, append_queue_record);
  check(record, decode_request, append_request_record);
  check(record, decode_change, append_change_record);
  check(record, decode_feed, append_feed_record);
  check(record, decode_setting, append_setting_record);
  check(record, decode_erasure, append_erasure_record);
  check(record, decode_number, append_number_record);
}

void check_identity_record(std::string_view record) {
  const Uuid id{};
  check(
      record, [](std::string_view bytes) { return decode_account(bytes, "a"); }, append_account_record);
  check(record, decode_account_reference, append_account_reference);
  check(
      record, [&](std::string_view bytes) { return decode_login(bytes, id); }, append_login_record);
  check(record, decode_invitation, append_invitation_record);
  check(
      record, [&](std::string_view bytes) { return decode_api_key(bytes, id); }, append_api_key_record);
  check(record, decode_api_key_reference, append_api_key_reference);
}

}  // namespace

void run(std::string_view input) {
  check_record(input);
  check_identity_record(input);
  std::string sealed(input);
  append_le32(sealed, checksum32(sealed));
  check_record(sealed);
  check_identity_record(sealed);
}

}  // namespace bobbin::fuzz
