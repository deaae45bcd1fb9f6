#include "net/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace wharf::net {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;
using Certificate = std::unique_ptr<X509, FreeX509>;

Bio memory_bio(const std::string& text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what + ": " + take_tls_error()); }

TlsContext make_context(const SSL_METHOD* method) {
  // OpenSSL's socket BIO calls write(2): a peer that closed first would end the process.
  static const auto ignored = std::signal(SIGPIPE, SIG_IGN);
  (void)ignored;
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(method));
  if (!context) fail("TLS context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  // RELEASE_BUFFERS is what makes a silent connection cheap (2 x 16.5 kB otherwise). The write modes let a queue grow
  // or move between two attempts to send the same bytes.
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  // One read(2) takes header and body of a record, and as many records as have come.
  SSL_CTX_set_read_ahead(context.get(), 1);
  return context;
}

// The hashed directory is read per issuer when one is needed; the bundle file would cost a parse of all roots and
// about a megabyte in each context. It is the fallback for systems that have no such directory.
void trust_system_roots(SSL_CTX* context) {
  const char* file = std::getenv(X509_get_default_cert_file_env());
  const char* dir = std::getenv(X509_get_default_cert_dir_env());
  const std::filesystem::path path(dir != nullptr ? dir : X509_get_default_cert_dir());
  std::error_code error;
  const bool have_directory = std::filesystem::directory_iterator(path, error) != std::filesystem::directory_iterator();
  if (have_directory && !error) SSL_CTX_set_default_verify_dir(context);
  if (file != nullptr || !have_directory || error) SSL_CTX_set_default_verify_file(context);
  ERR_clear_error();
}

// Read once: where SSL_CERT_FILE names a bundle, its parse takes 40 ms of the start.
X509_STORE* system_roots() {
  static const TlsContext holder = [] {
    TlsContext context = make_context(TLS_client_method());
    trust_system_roots(context.get());
    return context;
  }();
  return SSL_CTX_get_cert_store(holder.get());
}

void trust_pem(SSL_CTX* context, const std::string& pem) {
  const Bio bio = memory_bio(pem);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  unsigned count = 0;
  while (const Certificate certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    if (X509_STORE_add_cert(store, certificate.get()) != 1) fail("extra CA certificate");
    ++count;
  }
  if (count == 0) fail("extra CA certificate");
  ERR_clear_error();  // the "no start line" that ended the loop
}

}  // namespace

TlsContext make_client_context(const std::string& extra_ca_pem) {
  TlsContext context = make_context(TLS_client_method());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (extra_ca_pem.empty()) {
    SSL_CTX_set1_cert_store(context.get(), system_roots());
  } else {
    trust_system_roots(context.get());
    trust_pem(context.get(), extra_ca_pem);  // into a store of its own: nobody else trusts it
  }
  return context;
}

TlsContext make_server_context(const std::string& certificate_pem, const std::string& private_key_pem) {
  TlsContext context = make_context(TLS_server_method());
  // Tickets after the handshake would re-allocate each connection's write buffer, for a resumption nobody uses.
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_options(context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE);

  const Bio chain = memory_bio(certificate_pem);
  const Certificate leaf(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
  if (!leaf || SSL_CTX_use_certificate(context.get(), leaf.get()) != 1) fail("TLS certificate");
  while (const Certificate next{PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)}) {
    if (SSL_CTX_add1_chain_cert(context.get(), next.get()) != 1) fail("TLS certificate chain");
  }
  ERR_clear_error();
  const Bio key_text = memory_bio(private_key_pem);
  const std::unique_ptr<EVP_PKEY, FreeKey> key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
  if (!key || SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) fail("TLS private key");
  if (SSL_CTX_check_private_key(context.get()) != 1) fail("TLS private key and certificate");
  return context;
}

Tls make_client_tls(SSL_CTX* context, const std::string& host) {
  Tls tls(SSL_new(context));
  if (!tls) return tls;
  SSL_set_connect_state(tls.get());
  boost::system::error_code not_an_address;
  const auto address = boost::asio::ip::make_address(host, not_an_address);
  if (not_an_address) {
    SSL_set_tlsext_host_name(tls.get(), host.c_str());
    SSL_set_hostflags(tls.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (SSL_set1_host(tls.get(), host.c_str()) != 1) tls.reset();
  } else if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls.get()), address.to_string().c_str()) != 1) {
    tls.reset();
  }
  return tls;
}

Tls make_server_tls(SSL_CTX* context) {
  Tls tls(SSL_new(context));
  if (tls) SSL_set_accept_state(tls.get());
  return tls;
}

std::string take_tls_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "error " + std::to_string(code);
}

}  // namespace wharf::net
