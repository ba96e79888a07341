#include "src/net/self_signed.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "src/base/uuid.h"
#include "src/net/address.h"
#include "src/net/c_pointer.h"

namespace bobbin::net {
namespace {

using Key = CPointer<EVP_PKEY, EVP_PKEY_free>;
using Certificate = CPointer<X509, X509_free>;
using Names = CPointer<GENERAL_NAMES, GENERAL_NAMES_free>;
using Memory = CPointer<BIO, BIO_free_all>;

constexpr int64_t kDayS = 24 * 3600;

tl::unexpected<Error> failed() {
  return fail(Code::io, static_cast<int32_t>(ERR_GET_REASON(ERR_peek_last_error())),
              "the self-signed certificate cannot be made");
}

// Letters, digits, hyphens and dots: what a name is in DNS, and nothing that could be read as something else.
bool is_dns_name(const std::string& name) noexcept {
  return !name.empty() && name.size() <= 253 && name.front() != '.' && name.front() != '-' &&
         name.find("..") == std::string::npos &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") ==
             std::string::npos;
}

bool add_name(GENERAL_NAMES* names, const std::string& text) {
  GENERAL_NAME* name =
      a2i_GENERAL_NAME(nullptr, nullptr, nullptr, is_ip_literal(text) ? GEN_IPADD : GEN_DNS, text.c_str(), 0);
  if (name == nullptr) return false;
  if (sk_GENERAL_NAME_push(names, name) > 0) return true;
  GENERAL_NAME_free(name);
  return false;
}

bool add_extension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  if (extension == nullptr) return false;
  const bool is_added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return is_added;
}

// A positive number of 127 random bits: two certificates of one issuer name must not share it.
bool set_serial(X509* certificate) {
  std::array<unsigned char, 16> bytes;
  fill_random(bytes.data(), bytes.size());
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);
  BIGNUM* number = BN_bin2bn(bytes.data(), bytes.size(), nullptr);
  const bool is_set = number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return is_set;
}

std::string read_all(BIO* memory) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory, &bytes);
  return {bytes, static_cast<size_t>(std::max(size, 0L))};
}

std::string host_name() {
  char name[256] = "";
  if (::gethostname(name, sizeof name - 1) != 0) return {};
  return is_dns_name(name) ? name : std::string();
}

void append_interface_addresses(std::vector<std::string>& names) {
  ifaddrs* interfaces = nullptr;
  if (::getifaddrs(&interfaces) != 0) return;
  for (const ifaddrs* at = interfaces; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr) continue;
    char text[INET6_ADDRSTRLEN] = "";
    if (at->ifa_addr->sa_family == AF_INET) {
      ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr, text, sizeof text);
    } else if (at->ifa_addr->sa_family == AF_INET6) {
      const in6_addr& address = reinterpret_cast<const sockaddr_in6*>(at->ifa_addr)->sin6_addr;
      if (!IN6_IS_ADDR_LINKLOCAL(&address)) ::inet_ntop(AF_INET6, &address, text, sizeof text);
    }
    if (text[0] != '\0') names.emplace_back(text);
  }
  ::freeifaddrs(interfaces);
}

}  // namespace

Result<SelfSigned> make_self_signed(const std::vector<std::string>& names, int64_t now_s) {
  ERR_clear_error();
  const Names alternatives(sk_GENERAL_NAME_new_null());
  if (!alternatives) return failed();
  for (const std::string& name : names) {
    if (!is_ip_literal(name) && !is_dns_name(name)) return fail(Code::invalid, 0, "not a name for a certificate");
    if (!add_name(alternatives.get(), name)) return failed();
  }
  if (names.empty()) return fail(Code::invalid, 0, "a certificate needs a name");

  const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  const Certificate certificate(X509_new());
  if (!key || !certificate) return failed();
  X509* const raw = certificate.get();
  X509_NAME* const subject = X509_get_subject_name(raw);
  const auto* const common_name = reinterpret_cast<const unsigned char*>("Bobbin, self-signed");
  const time_t from = now_s - 3600;
  const time_t until = now_s - 3600 + kSelfSignedDays * kDayS;
  const bool is_filled = X509_set_version(raw, X509_VERSION_3) == 1 && set_serial(raw) &&
                         ASN1_TIME_set(X509_getm_notBefore(raw), from) != nullptr &&
                         ASN1_TIME_set(X509_getm_notAfter(raw), until) != nullptr &&
                         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common_name, -1, -1, 0) == 1 &&
                         X509_set_issuer_name(raw, subject) == 1 && X509_set_pubkey(raw, key.get()) == 1 &&
                         add_extension(raw, NID_basic_constraints, "critical,CA:FALSE") &&
                         add_extension(raw, NID_key_usage, "critical,digitalSignature") &&
                         add_extension(raw, NID_ext_key_usage, "serverAuth") &&
                         X509_add1_ext_i2d(raw, NID_subject_alt_name, alternatives.get(), 0, X509V3_ADD_DEFAULT) == 1 &&
                         add_extension(raw, NID_subject_key_identifier, "hash") &&
                         X509_sign(raw, key.get(), EVP_sha256()) > 0;
  if (!is_filled) return failed();

  const Memory certificate_text(BIO_new(BIO_s_mem()));
  const Memory key_text(BIO_new(BIO_s_secmem()));
  if (!certificate_text || !key_text || PEM_write_bio_X509(certificate_text.get(), raw) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return failed();
  return SelfSigned{read_all(certificate_text.get()), read_all(key_text.get())};
}

std::vector<std::string> machine_names() {
  std::vector<std::string> names = {"localhost"};
  if (const std::string host = host_name(); !host.empty()) {
    names.push_back(host);
    names.push_back(host.substr(0, host.find('.')) + ".local");
  }
  names.insert(names.end(), {"127.0.0.1", "::1"});
  append_interface_addresses(names);
  // Each once, in the order above: the first is what the certificate is called where only one is shown.
  std::vector<std::string> unique;
  for (std::string& name : names)
    if (std::find(unique.begin(), unique.end(), name) == unique.end()) unique.push_back(std::move(name));
  return unique;
}

}  // namespace bobbin::net
