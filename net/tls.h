#pragma once
// TLS contexts as this product wants them: at least TLS 1.2, peers verified, no session cache, no tickets, and record
// buffers given back while a connection is silent. Internal to net/.

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace wharf::net {

struct FreeSslContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeSslContext>;
using Tls = std::unique_ptr<SSL, FreeSsl>;

/// Trusts the system's roots and `extra_ca_pem` ("" for none). Throws std::runtime_error when the PEM is unusable.
TlsContext make_client_context(const std::string& extra_ca_pem);

/// Throws std::runtime_error when certificate or key are unusable or do not belong together.
TlsContext make_server_context(const std::string& certificate_pem, const std::string& private_key_pem);

/// A client's TLS end that asks for `host` (SNI unless it is an address) and accepts only a certificate for it.
/// Null only when memory is out.
Tls make_client_tls(SSL_CTX* context, const std::string& host);
Tls make_server_tls(SSL_CTX* context);

/// What OpenSSL's error queue says, "unknown" when it is empty. Empties the queue.
std::string take_tls_error();

}  // namespace wharf::net
