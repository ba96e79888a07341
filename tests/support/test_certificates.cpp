#include "tests/support/test_certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <memory>

#include "src/base/assert.h"

namespace bobbin::net::test {
namespace {

EVP_PKEY* make_key() {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
  BOBBIN_ASSERT(key != nullptr);
  return key;
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  BOBBIN_ASSERT(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509* make_certificate(const char* common_name, long serial, EVP_PKEY* key, const LeafOptions& options) {
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), options.valid_from_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate), options.valid_until_s);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name), -1, -1, 0);
  X509_set_pubkey(certificate, key);
  return certificate;
}

template <class Write>
void write_file(const std::string& path, Write write) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  BOBBIN_ASSERT(file != nullptr);
  BOBBIN_ASSERT(write(file) == 1);
  std::fclose(file);
}

}  // namespace

TestAuthority::TestAuthority(const char* name) {
  std::string pattern = (std::filesystem::temp_directory_path() / "bobbin-tls-XXXXXX").string();
  BOBBIN_ASSERT(mkdtemp(pattern.data()) != nullptr);
  folder_ = pattern;
  file_ = folder_ + "/ca.pem";
  EVP_PKEY* key = make_key();
  X509* certificate = make_certificate(name, 1, key, {});
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign");
  X509_sign(certificate, key, EVP_sha256());
  write_file(file_, [&](std::FILE* out) { return PEM_write_X509(out, certificate); });
  key_ = key;
  certificate_ = certificate;
}

TestAuthority::~TestAuthority() {
  for (void* context : contexts_) SSL_CTX_free(static_cast<SSL_CTX*>(context));
  X509_free(static_cast<X509*>(certificate_));
  EVP_PKEY_free(static_cast<EVP_PKEY*>(key_));
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

TestAuthority::Files TestAuthority::issue(const LeafOptions& options) {
  ++issued_;
  EVP_PKEY* key = make_key();
  // The common name would match: it must not count.
  X509* certificate = make_certificate("localhost", 1 + issued_, key, options);
  X509* issuer = options.is_self_signed ? certificate : static_cast<X509*>(certificate_);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  std::string names;
  for (const std::string& name : options.names) names += (names.empty() ? "" : ",") + name;
  if (!names.empty()) add_extension(certificate, issuer, NID_subject_alt_name, names);
  X509_sign(certificate, options.is_self_signed ? key : static_cast<EVP_PKEY*>(key_), EVP_sha256());
  const Files files = {folder_ + "/leaf" + std::to_string(issued_) + ".pem",
                       folder_ + "/leaf" + std::to_string(issued_) + ".key"};
  write_file(files.certificate, [&](std::FILE* out) { return PEM_write_X509(out, certificate); });
  write_file(files.key,
             [&](std::FILE* out) { return PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr); });
  X509_free(certificate);
  EVP_PKEY_free(key);
  return files;
}

void* TestAuthority::server_context(const LeafOptions& options) {
  const Files files = issue(options);
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  BOBBIN_ASSERT(SSL_CTX_use_certificate_file(context, files.certificate.c_str(), SSL_FILETYPE_PEM) == 1);
  BOBBIN_ASSERT(SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) == 1);
  contexts_.push_back(context);
  return context;
}

}  // namespace bobbin::net::test
