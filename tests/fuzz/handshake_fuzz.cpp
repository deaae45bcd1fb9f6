// Handshake messages from an untrusted peer, on either side and in every state, and the certificate chain and
// ClientPayload inside them. The first byte chooses the reader. Nothing but the genuine message may be accepted, and
// that one is not in reach of a fuzzer: an accepted message without its keys is a failure.

#include <cstdlib>

#include "protocol/noise/client_payload.h"
#include "protocol/noise/frame.h"
#include "protocol/noise/handshake.h"

using namespace wharf::protocol;

namespace {

KeyPair key(std::uint8_t filler) {
  Key32 scalar;
  scalar.fill(filler);
  return KeyPair::from_secret(scalar);
}

HandshakeInitiator initiator(bool resume) {
  HandshakeInitiator::Settings settings;
  settings.root = key(1).pub;
  if (resume) settings.resume = KnownServer{key(2).pub, {}};
  HandshakeInitiator out(key(3), key(4), Bytes{1, 2, 3}, settings);
  out.client_hello();
  return out;
}

HandshakeResponder responder() { return HandshakeResponder({key(2), Bytes{1}, false}, key(5), connection_header); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView body{data + 1, size - 1};
  switch (data[0] % 6) {
    case 0:
      if (initiator(false).on_server_hello(body)) std::abort();
      break;
    case 1:
      if (initiator(true).on_server_hello(body)) std::abort();
      break;
    case 2: {
      HandshakeResponder side = responder();
      const auto reply = side.on_client_hello(body);
      if (reply && reply->authenticated) std::abort();
      if (reply && side.on_client_finish(body)) std::abort();
      break;
    }
    case 3: {
      static const Bytes hello = [] {
        return HandshakeInitiator(key(3), key(4), Bytes{1}, HandshakeInitiator::Settings{}).client_hello();
      }();
      HandshakeResponder side = responder();
      if (!side.on_client_hello(hello)) std::abort();
      if (side.on_client_finish(body)) std::abort();
      break;
    }
    case 4:
      if (verify_certificate_chain(body, key(1).pub, key(2).pub, 1)) std::abort();
      break;
    default: {
      const auto parsed = parse_client_payload(body);
      if (parsed && parsed->registration && parsed->username) std::abort();
      break;
    }
  }
  return 0;
}
