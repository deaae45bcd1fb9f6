// A certificate authority and a leaf for this machine's loopback names, made at start and never written to disk: what
// the sandbox's TLS listeners present. EC P-256; valid from yesterday (clocks differ) for ten years.

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>
#include <stdexcept>

#include "net/http_server.h"
#include "net/tls.h"

namespace wharf::net {
namespace {

constexpr long day_s = 24L * 60 * 60;
constexpr long validity_s = 3652L * day_s;
constexpr std::size_t serial_bytes = 16;

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeBio {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using Certificate = std::unique_ptr<X509, FreeX509>;
using Bio = std::unique_ptr<BIO, FreeBio>;

void require(bool ok, const char* step) {
  if (!ok) throw std::runtime_error(std::string("making the loopback identity: ") + step + ": " + take_tls_error());
}

Key make_key() {
  Key key(EVP_EC_gen("P-256"));
  require(key != nullptr, "key");
  return key;
}

void add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  require(extension != nullptr, "extension");
  const int added = X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  require(added == 1, "extension");
}

/// Everything but extensions and signature. `issuer` null: self-issued.
Certificate start_certificate(const char* common_name, EVP_PKEY* key, X509* issuer) {
  Certificate certificate(X509_new());
  require(certificate != nullptr, "certificate");
  std::array<std::uint8_t, serial_bytes> serial{};
  system_random(serial);
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7f) | 0x40);  // positive, and not shortened
  BIGNUM* number = BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr);
  require(number != nullptr, "serial");
  const bool numbered = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get())) != nullptr;
  BN_free(number);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  const bool ok =
      numbered && X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name), -1, -1,
                                 0) == 1 &&
      X509_set_issuer_name(certificate.get(), issuer != nullptr ? X509_get_subject_name(issuer) : name) == 1 &&
      X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -day_s) != nullptr &&
      X509_gmtime_adj(X509_getm_notAfter(certificate.get()), validity_s) != nullptr &&
      X509_set_pubkey(certificate.get(), key) == 1;
  require(ok, "certificate");
  return certificate;
}

std::string text_of(const Bio& bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::string to_pem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509(bio.get(), certificate) == 1, "PEM");
  return text_of(bio);
}

std::string to_pem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1, "PEM");
  return text_of(bio);
}

}  // namespace

TlsIdentity make_loopback_identity() {
  const Key ca_key = make_key();
  const Certificate ca = start_certificate("Wharf loopback CA", ca_key.get(), nullptr);
  add_extension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(ca.get(), ca.get(), NID_subject_key_identifier, "hash");
  require(X509_sign(ca.get(), ca_key.get(), EVP_sha256()) > 0, "signature");

  const Key key = make_key();
  const Certificate leaf = start_certificate("localhost", key.get(), ca.get());
  add_extension(leaf.get(), ca.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(leaf.get(), ca.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(leaf.get(), ca.get(), NID_ext_key_usage, "serverAuth");
  add_extension(leaf.get(), ca.get(), NID_subject_key_identifier, "hash");
  add_extension(leaf.get(), ca.get(), NID_authority_key_identifier, "keyid");
  add_extension(leaf.get(), ca.get(), NID_subject_alt_name, "IP:127.0.0.1,IP:::1,DNS:localhost");
  require(X509_sign(leaf.get(), ca_key.get(), EVP_sha256()) > 0, "signature");

  TlsIdentity identity;
  identity.ca_pem = to_pem(ca.get());
  identity.certificate_pem = to_pem(leaf.get()) + identity.ca_pem;
  identity.private_key_pem = to_pem(key.get());
  return identity;
}

}  // namespace wharf::net
