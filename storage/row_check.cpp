#include "storage/row_check.h"

#include "storage/account_records.h"
#include "storage/codec.h"
#include "storage/key_layout.h"
#include "storage/keys.h"
#include "storage/record_codec.h"

namespace bobbin::store {
namespace {

template <class T>
Result<void> only_the_error(const Result<T>& decoded) {
  if (!decoded) return fail(decoded.error());
  return {};
}

// For records whose body nothing decodes yet.
Result<void> check_envelope(std::string_view record, RecordType type) {
  return only_the_error(open_record(record, type));
}

Result<void> check_account_row(std::string_view key, std::string_view value) {
  if (key.starts_with('\0')) return only_the_error(decode_account_reference(value));
  if (key.starts_with('\xff')) return only_the_error(decode_invitation(value));
  if (const auto login = parse_owned_id_key(key)) return only_the_error(decode_login(value, login->id));
  return only_the_error(decode_account(value, key.substr(1)));
}

Result<void> check_key_row(std::string_view key, std::string_view value) {
  if (key.starts_with('\0')) return only_the_error(decode_api_key_reference(value));
  return only_the_error(decode_api_key(value, parse_owned_id_key(key)->id));
}

Result<void> check_change(std::string_view value) {
  TRY_ASSIGN(const ChangeRecord change, decode_change(value));
  for (const ChangedKey& key : change.keys) {
    if (key.family == 0 || key.family > kFamilyCount) return fail(Code::corrupt, 0, "change names an unknown family");
    if (!fits_layout(static_cast<Family>(key.family), key.key)) {
      return fail(Code::corrupt, 0, "change names a key that does not fit its layout");
    }
  }
  return {};
}

Result<void> check_annotation(const AnnotationKey& key, std::string_view value) {
  switch (key.kind) {
    case AnnotationKind::reaction: return check_envelope(value, RecordType::annotation);
    case AnnotationKind::memory: return only_the_error(decode_memory(value, key.order));
  }
  return fail(Code::corrupt, static_cast<uint8_t>(key.kind), "annotation of an unknown kind");
}

}  // namespace

Result<void> check_row(Family family, std::string_view key, std::string_view value) {
  if (!fits_layout(family, key)) return fail(Code::corrupt, 0, "key does not fit its layout");
  switch (family) {
    case Family::messages: return only_the_error(decode_message(value, parse_message_key(key)->order));
    case Family::threads: return only_the_error(decode_summary(value, parse_thread_key(key)->thread));
    case Family::recency: return only_the_error(decode_summary(value, parse_recency_key(key)->thread));
    case Family::runs: return only_the_error(decode_run(value));
    case Family::queue: return only_the_error(decode_queue(value));
    case Family::changes: return check_change(value);
    case Family::meta: return only_the_error(decode_number(value));
    case Family::idempotency: return only_the_error(decode_request(value));
    case Family::annotations: return check_annotation(*parse_annotation_key(key), value);
    case Family::bookmarks: return check_envelope(value, RecordType::bookmark);
    case Family::counters: return check_envelope(value, RecordType::counter);
    case Family::settings: return only_the_error(decode_setting(value));
    case Family::feed: return only_the_error(decode_feed(value));
    case Family::search: return check_envelope(value, RecordType::posting);
    case Family::accounts: return check_account_row(key, value);
    case Family::shares: return check_envelope(value, RecordType::share);
    case Family::keys: return check_key_row(key, value);
    case Family::erasures: return only_the_error(decode_erasure(value));
  }
  return fail(Code::corrupt, 0, "unknown family");
}

}  // namespace bobbin::store
