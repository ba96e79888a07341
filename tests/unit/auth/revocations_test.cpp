// Revocations: who is told, and what is known of those that came since a version.
#include "src/auth/revocations.h"

#include "src/base/result.h"
#include "tests/support/ids.h"
#include "tests/support/test.h"

using namespace bobbin;
using namespace bobbin::auth;

namespace {

using bobbin::test::id_of;

Identity identity(const std::string& user, uint8_t credential) {
  return {.user = user, .credential = credential == 0 ? Uuid{} : id_of(credential)};
}

struct Log final : Revocations::Watcher {
  void on_revoked(const Revocation& revocation) noexcept override { users.push_back(revocation.user); }
  std::vector<std::string> users;
};

}  // namespace

TEST_CASE(a_revocation_ends_what_it_names_and_nothing_else) {
  const Revocation all{"anna", Uuid{}};
  CHECK(all.ends(identity("anna", 0)) && all.ends(identity("anna", 1)));
  CHECK(!all.ends(identity("bert", 1)));
  const Revocation one{"anna", id_of(1)};
  CHECK(one.ends(identity("anna", 1)));
  CHECK(!one.ends(identity("anna", 2)) && !one.ends(identity("anna", 0)) && !one.ends(identity("bert", 1)));
}

TEST_CASE(watchers_are_told_from_when_they_are_added_until_they_are_removed) {
  Revocations revocations;
  Log log;
  revocations.revoke({"before", Uuid{}});
  revocations.add(log);
  revocations.revoke({"while", Uuid{}});
  revocations.remove(log);
  revocations.revoke({"after", Uuid{}});
  CHECK((log.users == std::vector<std::string>{"while"}));
}

TEST_CASE(only_what_was_revoked_since_a_version_counts) {
  Revocations revocations;
  revocations.revoke({"anna", Uuid{}});
  const uint64_t version = revocations.version();
  CHECK(!revocations.has_ended(identity("anna", 1), version));
  revocations.revoke({"bert", Uuid{}});
  CHECK(!revocations.has_ended(identity("anna", 1), version));
  CHECK(revocations.has_ended(identity("bert", 1), version));
  CHECK(revocations.has_ended(identity("anna", 1), version - 1));
}

TEST_CASE(past_what_is_remembered_the_answer_is_yes) {
  Revocations revocations;
  const uint64_t version = revocations.version();
  for (int i = 0; i < 256; ++i) revocations.revoke({"bert", Uuid{}});
  CHECK(!revocations.has_ended(identity("anna", 1), version));
  revocations.revoke({"bert", Uuid{}});
  CHECK(revocations.has_ended(identity("anna", 1), version));
}
